"""The log records of failed runs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.failed_runs import log_failed_run
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import ErrorData


def app(levels: dict[str, str]) -> LoadedApp:
    return LoadedApp(App(Path(), HostJson(log_levels=levels), LocalSettings(), ()))


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (ErrorData("ValueError", "boom", "File x"), "'F' failed: ValueError: boom [EH320]\nFile x"),
        (ErrorData("FunctionLoadError", "no module"), "'F' is out of service: no module [EH310]"),
        (
            WorkerLostError("it exited", concurrent_calls=2),
            "ran the function 'F' and 2 other calls: it exited. [EH325]",
        ),
    ],
)
def test_a_failure_is_logged_with_its_reason(
    error: ErrorData | WorkerLostError, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_failed_run(logging.getLogger("embedded_host.test"), app({}), "F", error)
    assert logged in caplog.text


def test_the_log_levels_hide_the_exception_of_a_function(caplog: pytest.LogCaptureFixture) -> None:
    hidden = app({"default": "None"})
    log_failed_run(logging.getLogger("embedded_host.test"), hidden, "F", ErrorData("E", "boom"))
    assert not caplog.text
