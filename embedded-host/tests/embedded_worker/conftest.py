"""The fixtures of functions whose source code is a file of an app, of runners and of turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import pytest

from embedded_worker.runner import Runner
from tests.support.app_folder import AppFolder
from tests.support.worker_calls import load_of

if TYPE_CHECKING:
    from tests.embedded_worker.turns import MakeTurns

FILE = "Main/__init__.py"
MakeFunction = Callable[..., Any]
MakeRunner = Callable[[AppFolder], Runner]


@pytest.fixture
def run(app: AppFolder) -> MakeFunction:
    """Return a function that executes a module's code and returns its function ``run``."""

    def make(code: str) -> Any:
        file = app.write(FILE, code)
        names: dict[str, Any] = {"df": df}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["run"]

    return make


@pytest.fixture
def running() -> MakeRunner:
    """Return a function that creates a runner with an app loaded without problems."""

    def make(app: AppFolder) -> Runner:
        runner = Runner()
        assert runner.load(load_of(app)).problems == []
        return runner

    return make


@pytest.fixture(params=["kept", "fresh"])
def turns(request: pytest.FixtureRequest) -> MakeTurns:
    """Return a function that creates the turns of an orchestrator, in memory or replayed."""
    from tests.embedded_worker.turns import Turns  # it imports SDK 1.x

    return lambda function: Turns(function, fresh=request.param == "fresh")
