"""The output of the app to stdout and stderr, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from embedded_worker.captured_output import level_of_output
from embedded_worker.log_levels import ERROR, INFORMATION, WARNING

PROGRAM = """
import subprocess, sys
from embedded_worker.captured_output import capture_output, stderr_of_logs
from embedded_worker.log_levels import LogLevels
from embedded_worker.log_output import ConsoleOutput
levels = LogLevels({"Host.Function.Console": sys.argv[1]})
output = ConsoleOutput(sys.argv[2], stderr_of_logs(levels))
capture_output(levels, output)
print("out"); print("err", file=sys.stderr); print("an error", file=sys.stderr)
sys.stdout.buffer.write(b"bytes\\n"); print("no", end=""); print("w"); sys.stdout.flush()
subprocess.run([sys.executable, "-c", "print('child')"])
output.write("Function.One.User", 0, 2, "record")
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
