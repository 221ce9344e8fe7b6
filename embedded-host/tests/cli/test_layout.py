"""The layout of rows at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from embedded_host.cli.layout import field_lines, rows_renderable, word_lines
from embedded_host.engine import history as h
from embedded_host.store.interface import AppendHistory
from tests.cli.states import after, instance, started, write_state
from tests.support.pseudo_terminal import at_terminal

COLUMNS = ("instanceId", "name", "runtimeStatus", "createdTime", "lastUpdatedTime")
ROW = ("order-7", "order", "Running", "2026-01-02T03:04:05Z", "2026-02-02T03:04:05Z")
CHILD = "tree-0:6f2b9d0c1e34:west:3fa85f64-5717-4562-b3fc-2c963f66afa6"
URL = "https://payments.example.com/v1/charges/1234567890/attempts/3?reason=declined"
ERROR = f"The payment service did not respond to the request {URL} within thirty seconds."


def drawn(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, title: str | None = None
) -> list[str]:
    screen = Console(width=width, highlight=False, color_system=None)
    with screen.capture() as capture:
        screen.print(rows_renderable(columns, rows, width, title), soft_wrap=True)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_table_that_fits_has_short_times() -> None:
    lines = drawn(COLUMNS, [ROW], 80)
    assert lines[1].split() == ["id", "name", "status", "created", "(UTC)", "updated", "(UTC)"]
    assert lines[3].split() == [*ROW[:3], "01-02", "03:04:05", "02-02", "03:04:05"]


def test_a_table_that_does_not_fit_becomes_cards() -> None:
    assert drawn(COLUMNS, [ROW, (CHILD, *ROW[1:])], 80, "2 not finished") == [
        "2 not finished",
        "",
        "order-7",
        *(
            card := [
                "  name           order",
                "  status         Running",
                "  created (UTC)  2026-01-02T03:04:05Z",
                "  updated (UTC)  2026-02-02T03:04:05Z",
            ]
        ),
        "",
        CHILD,
        *card,
    ]


def test_only_a_wide_table_has_texts_of_several_lines() -> None:
    rows = [("order-7", "a sentence " * 12), ("order-8", "short")]
    wide = drawn(("instanceId", "output"), rows, 100)
    assert wide[1].split() == ["id", "output"]
    assert [line.split()[0] for line in wide if "order" in line] == ["order-7", "order-8"]
    assert max(map(len, wide)) <= 100
    narrow = drawn(("instanceId", "output"), rows, 99)
    assert narrow[0] == "order-7"
    assert drawn(("instanceId", "output"), [("a", "x" * 120)], 100)[0] == "a", "a long word"


def test_a_value_is_broken_between_words_only() -> None:
    assert word_lines("one two three", 7) == ["one two", "three"]
    assert word_lines("  one two three", 9) == ["  one two", "  three"]
    assert word_lines("  kept  as it is", 20) == ["  kept  as it is"]
    assert word_lines("東京 大阪 x", 6) == ["東京", "大阪 x"], "these characters are wide"
    lines = [line.plain for line in field_lines({"id": "a", "output": ERROR}, 80)]
    assert lines[:2] == ["id      a", "output"]
    assert [line.strip() for line in lines if URL in line] == [URL]
    assert max(map(len, lines)) <= 80


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
@pytest.mark.process
@pytest.mark.parametrize(
    "command",
    [
        ("get-instances", "--show-output"),
        ("get-runtime-status", "--show-output", "--id", CHILD),
        ("get-history", "--id", CHILD),
        ("timeline", "--id", CHILD),
        ("diagnose", "--id", CHILD),
        ("get-history", "--id", CHILD + "-misspelled"),
    ],
    ids=lambda command: str(command[0]),
)
def test_no_word_is_broken_at_80_columns(tmp_path: Path, command: tuple[str, ...]) -> None:
    failure = h.execution_completed(after(9), 2, "Failed", ERROR)
    state = write_state(
        tmp_path / "state",
        instance(1, "order-7"),
        instance(2, CHILD, "Failed", ERROR),
        AppendHistory(
            2,
            0,
            (
                started(CHILD),
                h.sub_orchestration_created(after(1), 0, "Settle", CHILD + ":1", "null"),
                failure,
            ),
        ),
    )
    output = at_terminal(*command, "--state", state)
    assert output.code == (0 if "misspelled" not in command[-1] else 3), output
    text = "\n".join(output.lines)
    words = text.split()
    assert any(CHILD in word for word in words) or command[0] == "timeline", text
    if "output" in text or command[0] == "diagnose":
        assert URL in words
    too_long = [line for line in output.lines if len(line) > 80]
    assert all(len(line.split()) == 1 for line in too_long), too_long
