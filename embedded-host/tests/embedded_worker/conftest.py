"""The fixture of functions whose source code is a file of an app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.durable_functions as df
import pytest

from tests.support.app_folder import AppFolder

FILE = "Main/__init__.py"
MakeFunction = Callable[..., Any]


@pytest.fixture
def run(app: AppFolder) -> MakeFunction:
    """Return a function that executes a module's code and returns its function ``run``."""

    def make(code: str) -> Any:
        file = app.write(FILE, code)
        names: dict[str, Any] = {"df": df}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["run"]

    return make
