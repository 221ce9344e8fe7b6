"""The output of the app to stdout and stderr, as records of the category Host.Function.Console.

The Azure Functions host reads the output of its worker through pipes. Here, the output goes to the
console without a detour unless host.json hides it or ``--console`` changes its format. Each
complete line also goes to the store of log lines, with the function that has printed it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import sys
import threading
from collections.abc import Iterable
from typing import Callable, TextIO

from embedded_worker.function_logs import current_invocation
from embedded_worker.log_levels import CONSOLE, ERROR, INFORMATION, WARNING, LogLevels
from embedded_worker.log_output import ConsoleOutput, now, without_keys
from embedded_worker.protocol import LogLine

_ERROR_WORDS = ("error", "fail", "severe", "unhandled exception")


def stderr_of_logs(levels: LogLevels) -> TextIO:
    """Return a stream to the present stderr for log records and for the traceback of a crash.

    ``capture_output`` does not change this stream.
    """
    if _visible(levels, is_error=True):
        return sys.stderr
    stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
    with contextlib.suppress(Exception):  # there may be no stderr
        faulthandler.enable(stream, all_threads=False)
    return stream


Store = Callable[[LogLine], None]


def capture_output(levels: LogLevels, output: ConsoleOutput, store: Store | None = None) -> None:
    """Hide the process's output or write it to ``output``, as ``levels`` and its format require.

    ``store`` receives the visible lines.
    """
    for descriptor, name, is_error in ((1, "stdout", False), (2, "stderr", True)):
        visible = _visible(levels, is_error=is_error)
        if not visible:
            _redirect_to_nothing(descriptor)
        elif INFORMATION not in visible or output.format != "default":
            setattr(sys, name, _line_stream(getattr(sys, name), levels, output, store, is_error))
        else:
            record_output(name, levels, store or _discard)


def record_output(name: str, levels: LogLevels, store: Store) -> None:
    """Pass the lines of functions to ``store`` that the stream ``name`` of ``sys`` shows."""
    is_error = name == "stderr"
    if _visible(levels, is_error=is_error):
        setattr(sys, name, RecordedStream(getattr(sys, name), store, is_error=is_error))


def _visible(levels: LogLevels, *, is_error: bool) -> list[int]:
    """Return the levels at which a line of stdout or stderr is visible."""
    possible = (INFORMATION, WARNING, ERROR) if is_error else (INFORMATION,)
    return [level for level in possible if levels.is_enabled(CONSOLE, level)]


def _redirect_to_nothing(descriptor: int) -> None:
    """Discard the output, including that of programs that the app starts."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


def _line_stream(
    replaced: TextIO,
    levels: LogLevels,
    output: ConsoleOutput,
    store: Store | None,
    is_error: bool,
) -> LineStream:
    def write_line(line: str) -> None:
        level = level_of_output(line, is_error=is_error)
        if not levels.is_enabled(CONSOLE, level) or _is_silent():
            return
        printed, is_replay = _printed(level, line)
        if output.format == "default":
            replaced.write(f"{line}\n")
            replaced.flush()
        else:
            output.write(printed, is_replay=is_replay)
        if store is not None and not is_replay:
            store(printed)

    return LineStream(replaced, write_line)


def _discard(line: LogLine) -> None:
    """Discard a line: the host stores no lines."""


def _is_silent() -> bool:
    """Return True if the output of the running function must not be visible."""
    running = current_invocation()
    return running is not None and running.is_silent


def _printed(level: int, text: str) -> tuple[LogLine, bool]:
    """Return a printed line, and True if an orchestrator prints it in a replay."""
    text, running = without_keys(text), current_invocation()
    if running is None:
        return LogLine(now(), level, CONSOLE, text), False
    return running.line(CONSOLE, level, text), running.is_replaying


class RecordedStream:
    """A replacement of ``sys.stdout`` or ``sys.stderr`` that also stores the lines of functions.

    The output goes to the replaced stream at once and without a change.
    """

    def __init__(self, replaced: TextIO, store: Store, *, is_error: bool) -> None:
        """Replace a stream. ``store`` receives each complete line of a running function."""
        self._replaced, self._store, self._is_error = replaced, store, is_error
        self._rests: dict[int, str] = {}
        """The incomplete lines by thread."""

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the replaced stream."""
        return getattr(self._replaced, name)

    def write(self, text: str) -> int:
        """Write ``text``, and store the lines that it completes."""
        if _is_silent():
            return len(text)
        written = self._replaced.write(text)
        thread = threading.get_ident()
        *lines, rest = (self._rests.pop(thread, "") + text).split("\n")
        if rest:
            self._rests[thread] = rest[-MAX_LINE:]
        for line in lines:
            printed, is_replay = _printed(
                level_of_output(line, is_error=self._is_error), line.rstrip("\r")
            )
            if printed.function and not is_replay:
                self._store(printed)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all ``lines``."""
        for line in lines:
            self.write(line)


MAX_LINE = 100_000
"""Maximum characters of an incomplete line that are kept."""


class LineStream(io.TextIOBase):
    """A replacement of ``sys.stdout`` or ``sys.stderr`` that passes on complete lines.

    Each line is passed on when its end is written. A line without an end is passed on when the
    process exits.
    """

    def __init__(self, replaced: TextIO, write_line: Callable[[str], None]) -> None:
        """Replace a stream. ``write_line`` receives each line without its end."""
        self._replaced, self._write_line = replaced, write_line
        self._rest = ""
        self._lock = threading.Lock()
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the replaced stream."""
        return self._replaced.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """The error handling of the replaced stream."""
        return self._replaced.errors

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor of the replaced stream."""
        return self._replaced.fileno()

    def write(self, text: str) -> int:
        """Pass on the lines that ``text`` completes."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write_line(line.rstrip("\r"))
        return len(text)

    def end(self) -> None:
        """Pass on the last line if it has no end."""
        with self._lock:
            rest, self._rest = self._rest, ""
        if rest:
            self._write_line(rest)


class _Bytes(io.RawIOBase):
    """The ``buffer`` of a ``LineStream``."""

    def __init__(self, stream: LineStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._stream.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


def level_of_output(line: str, *, is_error: bool) -> int:
    """Return the level of a line in stdout, or in stderr if ``is_error``.

    Source: ``WorkerProcess.ParseErrorMessageAndLog`` of the Azure Functions host.
    """
    if not is_error:
        return INFORMATION
    lower = line.lower()
    if "warn" in lower:
        return WARNING
    if any(word in lower for word in _ERROR_WORDS):
        return ERROR
    return INFORMATION
