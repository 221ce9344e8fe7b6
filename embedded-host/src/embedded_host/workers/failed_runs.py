"""The log records of failed runs of functions."""

from __future__ import annotations

import logging

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.host_records import about
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import ErrorData


def log_failed_run(
    log: logging.Logger,
    app: LoadedApp,
    function: str,
    error: ErrorData | WorkerLostError,
    *,
    instance_id: str = "",
) -> None:
    """Log the failure of one run of the function with the name ``function``.

    ``instance_id`` is the instance of an activity.
    The log levels of ``app`` can hide the exception of a function.
    """
    if isinstance(error, WorkerLostError):
        log.error(
            "The worker process ended while it ran the function '%s'%s: %s. [EH325]",
            function,
            error.and_other_calls,
            error,
        )
    elif error.type == "FunctionLoadError":
        log.error(
            "Function '%s' is out of service: %s [EH310]",
            function,
            error.message,
            extra=about(function, instance_id),
        )
    elif app.shows_failure(function):
        frames = app.failures.frames(function, error.stack, instance_id)
        log.error(
            "Function '%s' failed: %s: %s [EH320]%s",
            function,
            error.type,
            error.message,
            frames.text,
            extra=about(function, instance_id, frames.shown_frames),
        )
