"""The process of the host: its file limit, event loop, garbage collector and signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine

from embedded_host.errors import EmbeddedHostError


class HostStartError(EmbeddedHostError):
    """The host cannot start, or a fatal error has stopped it."""


def raise_file_limit() -> None:
    """Raise the limit of file descriptors, because each connection needs one.

    The default is 256 on macOS and 1,024 on Linux. Windows has no limit.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (65_536, 10_240):  # macOS allows at most 10,240
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        if soft == resource.RLIM_INFINITY or limit <= soft:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (OSError, ValueError):
            continue
        return


def run_event_loop(main: Coroutine[object, None, None]) -> None:
    """Run ``main`` in the event loop of uvloop, if uvloop is installed.

    With uvloop a request costs 10 % less CPU time. Workers use the event loop of asyncio, as on the
    Azure Functions host, because user code may depend on that event loop.
    """
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def tune_garbage_collector() -> None:
    """Exclude the existing objects from garbage collection, and run the collector less often.

    At the default threshold of 700 objects, a request spends 7 % of its time in the collector.
    Reference counting already frees the objects of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def install_signal_handlers(interrupt: Callable[[asyncio.AbstractEventLoop], None]) -> None:
    """Call ``interrupt`` at the first Ctrl+C or SIGTERM, and exit at the second."""
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def received(number: int, frame: object) -> None:
        if seen:
            os._exit(130 if number == signal.SIGINT else 143)
        seen.append(number)
        interrupt(loop)

    # Windows does not support loop.add_signal_handler.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), received)
