"""The text of a failed run: one line, and the frames of the app."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

from embedded_host.workers.failure_texts import FailureTexts

ROOT = Path(__file__).parent


def stack_of(text: str, *, cause: bool = False) -> str:
    """Return the traceback of an exception that a library or this module raises."""
    try:
        try:
            json.loads(text)
        except ValueError as error:
            if not cause:
                raise
            raise RuntimeError("two\nlines") from error
    except Exception:
        return traceback.format_exc()
    raise AssertionError(f"{text} is JSON")


def test_only_the_frames_of_the_app_are_shown() -> None:
    first, *frames = FailureTexts(ROOT).text("F", stack_of("{")).text.split("\n")
    assert first.startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert frames[0].startswith('  File "test_failure_texts.py", line ')
    assert sum(line.startswith("  File") for line in frames) == 1


def test_the_exception_precedes_its_cause() -> None:
    text, _ = FailureTexts(ROOT).text("F", stack_of("{", cause=True))
    assert text.startswith('RuntimeError: two\nlines\n  File "test_failure_texts.py"')
    assert "\nafter json.decoder.JSONDecodeError: Expecting" in text
    assert "direct cause" not in text


def test_the_frames_of_a_retry_are_not_repeated() -> None:
    failures, stack = FailureTexts(ROOT), stack_of("{", cause=True)
    first = failures.text("F", stack)
    again = ("RuntimeError: two\nlines (at the same lines as before)", "")
    assert failures.text("F", stack) == again
    assert failures.text("Other", stack) == first
    assert failures.frames("F", stack) == (" (at the same lines as before)", "")


def test_the_first_failure_of_each_instance_has_its_frames() -> None:
    failures, stack = FailureTexts(ROOT), stack_of("{", cause=True)
    first = failures.text("F", stack, "i-1")
    assert not first.shown_frames
    other = failures.text("F", stack, "i-2")
    assert other.text == first.text
    assert other.text == f"RuntimeError: two\nlines{other.shown_frames}"
    for instance_id in ("i-1", "i-2"):
        again = failures.text("F", stack, instance_id)
        assert again.text == "RuntimeError: two\nlines (at the same lines as before)"


def test_a_traceback_without_frames_of_the_app_keeps_its_last_frame() -> None:
    stack = (
        "Traceback (most recent call last):\n"
        '  File "/usr/lib/a.py", line 1, in f\n    g()\n'
        '  File "/usr/lib/b.py", line 2, in g\n    1 / 0\n    ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert FailureTexts(ROOT).text("F", stack).text == (
        "ZeroDivisionError: division by zero\n"
        '  File "/usr/lib/b.py", line 2, in g\n    1 / 0\n    ~~^~~'
    )


def test_recorded_paths_are_relative_to_the_app() -> None:
    stack = (
        "Traceback (most recent call last):\n"
        '  File "test_failure_texts.py", line 1, in f\n    g()\n'
        '  File "json/decoder.py", line 2, in g\n    1 / 0\nValueError: x\n'
    )
    assert FailureTexts(ROOT).text("F", stack).text == (
        'ValueError: x\n  File "test_failure_texts.py", line 1, in f\n    g()'
    )


def test_another_text_is_unchanged() -> None:
    group = "  + Exception Group Traceback (most recent call last):\n  |   File x\n"
    for text in ("", "boom", group):
        assert FailureTexts(ROOT).text("F", text).text == text
    assert FailureTexts(ROOT).frames("F", group).text == f"\n{group}"
    assert FailureTexts(ROOT).frames("F", "").text == ""
