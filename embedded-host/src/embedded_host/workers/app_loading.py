"""Load an app in a worker process that ends, without a host.

A command needs it for the functions of a v2 app and the problems of the app's code.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from embedded_host.app.definitions import App
from embedded_host.errors import EmbeddedHostError
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.app_interpreter import AppInterpreter, AppInterpreterError
from embedded_host.workers.factory import make_worker
from embedded_host.workers.loaded_app import LoadedApp, load_request, loaded_app
from embedded_host.workers.worker import Worker
from embedded_worker.protocol import LoadResult


class AppLoadingError(EmbeddedHostError):
    """The worker does not load the app. The message ends with a code."""


@dataclass(frozen=True)
class AppLoading:
    """The loaded app, and the result that the worker returned."""

    app: LoadedApp
    result: LoadResult


def load_app(
    app: App, environ: Mapping[str, str], interpreter: AppInterpreter, timeout: float | None = None
) -> AppLoading:
    """Load the app in a worker process. Raises AppLoadingError.

    ``environ`` is the environment of the functions. The output of the app's code goes to stderr,
    because stdout has the output of the command.
    """
    with _stdout_to_stderr():
        return asyncio.run(_load(app, environ, interpreter, timeout))


async def _load(
    app: App, environ: Mapping[str, str], interpreter: AppInterpreter, timeout: float | None
) -> AppLoading:
    try:
        worker = make_worker(environ, in_process=False, interpreter=interpreter)
    except ValueError as error:
        raise AppLoadingError(str(error)) from error
    try:
        try:
            result = await asyncio.wait_for(_result(worker, app, environ), timeout)
        finally:
            await worker.close(2.0)
    except WorkerLostError as lost:
        raise AppLoadingError(
            f"The worker process exited while it loaded the app: {lost}. [EH203]"
        ) from lost
    except AppInterpreterError as error:
        raise AppLoadingError(str(error)) from error
    except asyncio.TimeoutError as error:
        raise AppLoadingError(
            f"The app's code did not load within {timeout:.0f} s: its import waits or computes. "
            "Move the slow code from the module into a function. [EH335]"
        ) from error
    return AppLoading(loaded_app(app, result, environ), result)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Let the processes that are started in a ``with`` block write to stderr only."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


async def _result(worker: Worker, app: App, environ: Mapping[str, str]) -> LoadResult:
    await worker.start()
    return await worker.load(load_request(app, environ, "http://127.0.0.1:1/durabletask/"))
