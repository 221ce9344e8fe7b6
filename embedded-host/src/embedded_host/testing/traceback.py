"""Tracebacks of failing tests, without the frames of the test kit and of asyncio.

Each module of the test kit sets ``__tracebackhide__``, so that pytest hides its frames. An
exception that passes through the event loop also has frames of asyncio and of the task hub.
``user_traceback`` removes those frames.
"""

from __future__ import annotations

from types import TracebackType

_INTERNAL = ("embedded_host", "embedded_worker", "asyncio")


def user_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of the traceback that begins with user code, or None without user code."""
    while traceback is not None and _is_internal(traceback):
        traceback = traceback.tb_next
    return traceback


def is_raised_by_kit(traceback: TracebackType | None) -> bool:
    """Return True if code of the test kit raised the exception."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and _module(traceback).startswith("embedded_host.testing.")


def _is_internal(traceback: TracebackType) -> bool:
    return _module(traceback).partition(".")[0] in _INTERNAL


def _module(traceback: TracebackType) -> str:
    return str(traceback.tb_frame.f_globals.get("__name__", ""))
