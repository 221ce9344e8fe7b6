"""Loading an app without a host."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from embedded_host.app.folder import read_app
from embedded_host.workers.app_interpreter import host_interpreter
from embedded_host.workers.app_loading import AppLoading, AppLoadingError, load_app
from tests.support.app_folder import AppFolder

pytestmark = pytest.mark.process


def load(app: AppFolder, timeout: float | None = None, **settings: str) -> AppLoading:
    environ = {**os.environ, **settings}
    return load_app(read_app(app.root, environ), environ, host_interpreter(), timeout)


def test_the_functions_and_the_problems_of_the_app(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.activity("Good", "return value")
    app.function("Bad", "import no_such_module", {"type": "activityTrigger", "name": "value"})
    loading = load(app)
    assert [function.name for function in loading.app.app.functions] == ["Bad", "Good"]
    assert [problem.function for problem in loading.result.problems] == ["Bad"]


def test_the_output_of_the_import_is_on_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app = AppFolder(tmp_path / "app")
    app.function(
        "Hello",
        'print("imported", flush=True)\n\n\ndef main(value): ...\n',
        {"type": "activityTrigger", "name": "value"},
    )
    load(app)
    print("the output of the command")
    sys.stdout.flush()
    out, err = capfd.readouterr()
    assert out == "the output of the command\n"
    assert "imported" in err


def test_an_import_that_waits_is_stopped(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.function(
        "Hello",
        "import time\n\ntime.sleep(60)\n",
        {"type": "activityTrigger", "name": "value"},
    )
    with pytest.raises(AppLoadingError, match=r"within 2 s.*\[EH335\]"):
        load(app, timeout=2)


def test_a_worker_that_exits_is_an_error(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.function(
        "Hello", "import os\n\nos._exit(3)\n", {"type": "activityTrigger", "name": "value"}
    )
    with pytest.raises(AppLoadingError, match=r"\[EH203\]"):
        load(app)


def test_an_invalid_number_of_workers_is_an_error(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.activity("Good", "return value")
    with pytest.raises(AppLoadingError, match=r"\[EH204\]"):
        load(app, FUNCTIONS_WORKER_PROCESS_COUNT="many")
