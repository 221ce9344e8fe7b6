"""The output of the app to stdout and stderr, in a process of its own."""

from __future__ import annotations

import io
import subprocess
import sys
import threading

import pytest

from embedded_worker.captured_output import RecordedStream, level_of_output, record_output
from embedded_worker.function_logs import RunningFunction
from embedded_worker.log_levels import ERROR, INFORMATION, WARNING, LogLevels
from embedded_worker.protocol import LogLine

PROGRAM = """
import subprocess, sys
from embedded_worker.captured_output import capture_output, stderr_of_logs
from embedded_worker.log_levels import LogLevels
from embedded_worker.log_output import ConsoleOutput
from embedded_worker.protocol import LogLine
levels = LogLevels({"Host.Function.Console": sys.argv[1]})
output = ConsoleOutput(sys.argv[2], stderr_of_logs(levels))
capture_output(levels, output)
print("out"); print("err", file=sys.stderr); print("an error", file=sys.stderr)
sys.stdout.buffer.write(b"bytes\\n"); print("no", end=""); print("w"); sys.stdout.flush()
subprocess.run([sys.executable, "-c", "print('child')"])
output.write(LogLine(0, 2, "Function.One.User", "record"))
"""


def run(level: str, console: str) -> list[str]:
    """Return the lines of the program with a level of the category Host.Function.Console."""
    done = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM, level, console],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout.splitlines()


@pytest.mark.process
def test_visible_output_is_unchanged() -> None:
    lines = run("Information", "default")
    assert lines[:6] == ["out", "err", "an error", "bytes", "now", "child"]
    assert lines[6].endswith("INFO record")


@pytest.mark.process
def test_the_level_none_hides_all_output_but_not_the_records() -> None:
    (line,) = run("None", "default")
    assert line.endswith("INFO record")


@pytest.mark.process
def test_the_words_of_stderr_decide_about_its_level() -> None:
    assert run("Warning", "default")[0] == "an error"
    assert len(run("Warning", "default")) == 2


@pytest.mark.process
def test_output_has_the_format_of_records() -> None:
    lines = run("Information", "simple")
    for line in ("out", "err", "bytes", "now"):
        at = lines.index(f"      {line}")
        assert lines[at - 1] == "info: Host.Function.Console[0]"
    assert lines[lines.index("      an error") - 1] == "fail: Host.Function.Console[0]"


@pytest.mark.parametrize(
    ("line", "is_error", "level"),
    [
        ("an ERROR", False, INFORMATION),
        ("text", True, INFORMATION),
        ("a Warning about an error", True, WARNING),
        ("it FAILED", True, ERROR),
        ("Unhandled exception", True, ERROR),
    ],
)
def test_a_line_has_the_level_of_its_words(line: str, is_error: bool, level: int) -> None:
    assert level_of_output(line, is_error=is_error) == level


def test_a_recorded_stream_stores_the_lines_of_functions_and_writes_at_once() -> None:
    shown, stored = io.StringIO(), list[LogLine]()
    stream = RecordedStream(shown, stored.append, is_error=True)
    print("of the host", file=stream)
    with RunningFunction("One", "id", "i-1"):
        print("first", 1, file=stream)
        print("an err", end="", file=stream)
        assert shown.getvalue().endswith("an err")
        stream.writelines(["or\r\n", "?code=" + "x" * 40 + "\n"])
    assert [(line.level, line.text) for line in stored] == [
        (INFORMATION, "first 1"),
        (ERROR, "an error"),
        (INFORMATION, "?code=[Hidden Credential]"),
    ]
    assert {line[4:] for line in stored} == {("One", "id", "i-1")}
    assert stream.closed is False, "the other attributes are those of the stream"


def test_lines_of_threads_are_not_mixed() -> None:
    stored: list[LogLine] = []
    stream = RecordedStream(io.StringIO(), stored.append, is_error=False)

    def work() -> None:
        with RunningFunction("Other", "other"):
            print("other", file=stream)

    with RunningFunction("One", "one"):
        stream.write("o")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        stream.write("ne\n")
    assert [(line.function, line.text) for line in stored] == [("Other", "other"), ("One", "one")]


def test_a_hidden_stream_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    before = io.StringIO()
    for level, is_recorded in (("None", False), ("Information", True)):
        monkeypatch.setattr(sys, "stdout", before)
        levels = LogLevels({"Host.Function.Console": level})
        record_output("stdout", levels, lambda line: None)
        assert (sys.stdout is not before) is is_recorded


def test_the_output_of_a_silent_function_is_discarded() -> None:
    shown, stored = io.StringIO(), list[LogLine]()
    stream = RecordedStream(shown, stored.append, is_error=False)
    with RunningFunction("One", "id", is_silent=True):
        assert stream.write("hidden\n") == len("hidden\n")
    print("visible", file=stream)
    assert shown.getvalue() == "visible\n"
    assert not stored
