"""The text of a failed run in the log: one line, and the frames of the app's code."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.log_output import SAME_LINES

KNOWN_FAILURES = 500
"""The number of failures whose frames are not logged again."""
_HEADER = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'  File "([^"\n]+)", line \d+.*\n(?:    .*\n?)*')
"""The lines of one frame: the position, the code and its marks."""


class FailureText(NamedTuple):
    """The text of a failed run, and its frames if the console has shown them before."""

    text: str
    shown_frames: str = ""
    """The end of ``text`` that the console omits."""


class FailureTexts:
    """Formats the failures of an app. Equal frames of one function are logged only once.

    A retry policy can run a failing function many times, and each run has the same frames. The
    log lines of one instance are read without those of other instances. Thus the first failure of
    each instance has its frames, and only the console omits them.
    """

    def __init__(self, root: Path) -> None:
        """Use ``root`` as the app folder."""
        self._root = root
        self._on_console: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._of_instances: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def text(self, function: str, stack: str, instance_id: str = "") -> FailureText:
        """Return the exception at the end of a traceback, and the frames of the app."""
        error, frames, shown = self._parts(function, stack, instance_id)
        return FailureText(error + frames, shown)

    def frames(self, function: str, stack: str, instance_id: str = "") -> FailureText:
        """Return the part of ``text`` after the exception."""
        error, frames, shown = self._parts(function, stack, instance_id)
        return FailureText(frames or f"\n{error}" * bool(error and error == stack), shown)

    def _parts(self, function: str, stack: str, instance_id: str) -> tuple[str, str, str]:
        """Return the exception, its frames, and these frames again if the console omits them."""
        parts = stack.split(_HEADER)
        if parts[0].strip() or len(parts) < 2:
            return stack, "", ""  # for example, an exception group
        sections = [self._section(part) for part in parts[1:]]
        error, frames = sections[-1]
        lines = [*frames]
        for cause, its_frames in reversed(sections[:-1]):
            lines += [f"after {cause}", *its_frames]
        if not lines:
            return error, "", ""
        shown = "\n".join(("", *lines))
        on_console = _is_known(self._on_console, (function, shown))
        if _is_known(self._of_instances, (function, shown, instance_id)):
            return error, SAME_LINES, ""
        return error, shown, shown if on_console else ""

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


def _is_known(known: OrderedDict[tuple[str, ...], None], failure: tuple[str, ...]) -> bool:
    """Return True if ``known`` contains ``failure``. Otherwise, add it."""
    if failure in known:
        known.move_to_end(failure)
        return True
    known[failure] = None
    if len(known) > KNOWN_FAILURES:
        known.popitem(last=False)
    return False
