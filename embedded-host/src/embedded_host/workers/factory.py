"""Creates the worker that the settings select."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from embedded_host.workers.app_interpreter import AppInterpreter
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import ConsoleFormat, Hello


def make_worker(
    environ: Mapping[str, str],
    *,
    in_process: bool,
    console: ConsoleFormat = "default",
    timeout: float | None = None,
    interpreter: AppInterpreter | None = None,
    on_connected: Callable[[Hello], None] | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Worker:
    """Return a worker whose functions have the environment ``environ``.

    The worker prints two lines for each invocation, in the format ``console``.
    ``timeout`` is functionTimeout in seconds.
    ``interpreter`` runs the worker processes; None means the host's interpreter.
    ``on_connected`` is called when the first worker process has connected.
    ``is_stopping`` returns True after the shutdown of the host has begun.
    A worker in the host's process uses only ``console``.
    Raises ValueError if FUNCTIONS_WORKER_PROCESS_COUNT is invalid.
    """
    worker = _worker(environ, in_process, timeout, interpreter, on_connected, is_stopping)
    from embedded_host.workers.invocation_log import InvocationLog

    return InvocationLog(worker, console)


def _worker(
    environ: Mapping[str, str],
    in_process: bool,
    timeout: float | None,
    interpreter: AppInterpreter | None,
    on_connected: Callable[[Hello], None] | None,
    is_stopping: Callable[[], bool],
) -> Worker:
    if in_process:
        from embedded_host.workers.in_process import InProcessWorker

        return InProcessWorker(dict(environ), is_only_app=True)
    from embedded_host.workers.pool import WorkerPool

    count = environ.get("FUNCTIONS_WORKER_PROCESS_COUNT") or "1"
    if not count.isdigit() or not 1 <= int(count) <= 10:
        raise ValueError(
            f"FUNCTIONS_WORKER_PROCESS_COUNT is '{count}', but must be a number from 1 to 10. "
            "[EH204]"
        )
    return WorkerPool(int(count), dict(environ), timeout, interpreter, on_connected, is_stopping)
