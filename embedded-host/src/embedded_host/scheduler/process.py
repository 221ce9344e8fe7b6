"""The process of the scheduler: start, main loop and shutdown."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import AsyncExitStack

from embedded_host.error_codes import CODE, with_code
from embedded_host.host_process import (
    install_signal_handlers,
    raise_file_limit,
    run_event_loop,
    tune_garbage_collector,
)
from embedded_host.scheduler.server import SchedulerOptions, SchedulerServer
from embedded_host.store.interface import StateError
from embedded_worker.log_output import console_handler


def run_scheduler(options: SchedulerOptions, *, verbose: bool = False) -> int:
    """Run the scheduler until Ctrl+C or SIGTERM, and return the exit code."""
    logging.basicConfig(level=logging.WARNING, handlers=[console_handler("%(message)s")])
    logging.getLogger("embedded_host").setLevel(logging.DEBUG if verbose else logging.INFO)
    raise_file_limit()
    try:
        run_event_loop(_Process(options).serve())
    except StateError as error:
        codes = "".join(
            f"For details run: embedded-host explain {code}\n"
            for code in dict.fromkeys(CODE.findall(str(error)))
        )
        print(f"\n{error}\n\n{codes}", file=sys.stderr, flush=True)
        return 1
    return 0


class _Process:
    """Starts the server, and stops it on a signal or a fatal error."""

    def __init__(self, options: SchedulerOptions) -> None:
        self._server = SchedulerServer(options, self._stop)
        self._stopping = asyncio.Event()
        self._fatal: BaseException | None = None

    async def serve(self) -> None:
        """Run until the process is stopped. Raises StateError."""
        began = time.perf_counter()
        install_signal_handlers(self._interrupt)
        async with AsyncExitStack() as stack:
            await self._server.start(stack)
            tune_garbage_collector()
            self._server.announce(time.perf_counter() - began)
            await self._stopping.wait()
            print("\nStopping. Press Ctrl+C again to stop at once.", flush=True)
        if self._fatal is not None:
            raise StateError(
                with_code(f"The scheduler stopped: {self._fatal}", "EH205")
            ) from self._fatal

    def _interrupt(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self._stop)

    def _stop(self, error: BaseException | None = None) -> None:
        self._fatal = self._fatal or error
        self._stopping.set()
