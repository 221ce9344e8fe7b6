"""The position in the app's code that a thread executes. The module does not import the SDK."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType

from embedded_worker.app_files import is_app_file, relative_name


def thread_position(thread_id: int, root: Path) -> str | None:
    """Return the line of the app that a thread is executing, or None if there is none.

    Example: ``Hello/__init__.py line 7: time.sleep(60)``.
    """
    frame = sys._current_frames().get(thread_id)
    while frame is not None:
        filename = frame.f_code.co_filename
        if is_app_file(filename, root):
            line = linecache.getline(filename, frame.f_lineno).strip()
            return f"{relative_name(filename, root)} line {frame.f_lineno}: {line}"
        frame = frame.f_back
    return None


def caller_position(root: Path) -> str:
    """Return the file and line of the app's innermost frame on the current stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if is_app_file(frame.f_code.co_filename, root):
            return f"{relative_name(frame.f_code.co_filename, root)} line {frame.f_lineno}"
        frame = frame.f_back
    return "?"
