"""The log records of failed runs."""

from __future__ import annotations

import logging

import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.failed_runs import log_failed_run
from embedded_worker.protocol import ErrorData


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
    log_failed_run(logging.getLogger("embedded_host.test"), "F", error)
    assert logged in caplog.text
