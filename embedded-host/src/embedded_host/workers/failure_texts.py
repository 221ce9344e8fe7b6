"""The text of a failed run in the log: one line, and the frames of the app's code."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

from embedded_worker.app_files import is_app_file, relative_name

KNOWN_FAILURES = 500
"""The number of failures whose frames are not logged again."""
_HEADER = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'  File "([^"\n]+)", line \d+.*\n(?:    .*\n?)*')
"""The lines of one frame: the position, the code and its marks."""


class FailureTexts:
    """Formats the failures of an app. Equal frames of one function are logged only once.

    A retry policy can run a failing function many times, and each run has the same frames.
    """

    def __init__(self, root: Path) -> None:
        """Use ``root`` as the app folder."""
        self._root = root
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def text(self, function: str, stack: str) -> str:
        """Return the exception at the end of a traceback, and the frames of the app."""
        error, frames = self._parts(function, stack)
        return error + frames

    def frames(self, function: str, stack: str) -> str:
        """Return the part of ``text`` after the exception."""
        error, frames = self._parts(function, stack)
        return frames or f"\n{error}" * bool(error and error == stack)

    def _parts(self, function: str, stack: str) -> tuple[str, str]:
        parts = stack.split(_HEADER)
        if parts[0].strip() or len(parts) < 2:
            return stack, ""  # for example, an exception group
        sections = [self._section(part) for part in parts[1:]]
        error, frames = sections[-1]
        lines = [*frames]
        for cause, its_frames in reversed(sections[:-1]):
            lines += [f"after {cause}", *its_frames]
        if not lines:
            return error, ""
        key = (function, "\n".join(lines))
        if key in self._known:
            self._known.move_to_end(key)
            return error, " (at the same lines as before)"
        self._known[key] = None
        if len(self._known) > KNOWN_FAILURES:
            self._known.popitem(last=False)
        return error, f"\n{key[1]}"

    def _section(self, part: str) -> tuple[str, list[str]]:
        """Return the text of one exception and its frames."""
        own: list[str] = []
        last, end = "", 0
        for match in _FRAME.finditer(part):
            if match.start() != end:
                break
            end, frame = match.end(), match[0].rstrip("\n")
            last = frame
            # The paths of a recorded traceback are relative to the app folder.
            if is_app_file(str(self._root / match[1]), self._root) and (
                Path(match[1]).is_absolute() or (self._root / match[1]).is_file()
            ):
                name = relative_name(match[1], self._root)
                own.append(frame.replace(match[1], name, 1))
        error, *_ = part[end:].split("\n\nThe above exception was the direct cause")
        error, *_ = error.split("\n\nDuring handling of the above exception")
        return error.strip("\n"), own or [last] * bool(last)
