"""Tracebacks of a failing test without the frames of the kit and of asyncio.

Each module of the kit sets ``__tracebackhide__``, so that pytest hides its frames. An exception that crosses the event loop
has frames of asyncio and of the task hub besides: ``user_traceback`` removes those.
"""

from __future__ import annotations

from types import TracebackType

_INTERNAL = ("embedded_host", "embedded_worker", "asyncio")


def user_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins with the first frame of user code, or None if it has none."""
    while traceback is not None and _is_internal(traceback):
        traceback = traceback.tb_next
    return traceback


def is_raised_by_kit(traceback: TracebackType | None) -> bool:
    """Return whether the last frame, which raised the exception, is one of the kit's."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and _module(traceback).startswith("embedded_host.testing.")


def _is_internal(traceback: TracebackType) -> bool:
    return _module(traceback).partition(".")[0] in _INTERNAL


def _module(traceback: TracebackType) -> str:
    return str(traceback.tb_frame.f_globals.get("__name__", ""))
