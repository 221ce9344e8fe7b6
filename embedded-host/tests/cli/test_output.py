from __future__ import annotations

import io
import json
import re
import sys

import pytest

from embedded_host.cli import output
from embedded_host.cli.output import (
    for_terminal,
    format_cell,
    print_fields,
    print_json,
    print_table,
    print_text,
    printable,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a\x1b[31m\nb", "a\\x1b[31m\\nb"),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        ("x" * 500, "x" * 197 + "..."),
        (0, "0"),
        (False, "false"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, text: str) -> None:
    assert format_cell(value) == text


def test_control_characters_of_an_instance_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printable("\x9b2J\u202e\r") == "\\x9b2J\\u202e\\r"
    value = {"é\x9b2J": ["\u202e\x1b\x7f", "\U000e0001"]}
    print_json(value)
    output_text = capsys.readouterr().out
    assert all(line.isprintable() for line in output_text.split("\n"))
    assert json.loads(output_text) == value
    assert '"é\\u009b2J"' in output_text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_is_printed_on_any_console(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    value = {"a": "Zürich \u2603 \ud800"}
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    print_json(value)
    stream.seek(0)
    assert json.loads(stream.read()) == value


def test_a_table_is_aligned_with_spaces_outside_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("id", "name"), [("a", "[red]x"), ("long", ""), ("\x1b", "\x9b2J\n")], "none")
    assert capsys.readouterr().out == "id    name\na     [red]x\nlong\n\\x1b  \\x9b2J\\n\n"
    print_table(("id",), [], "none")
    assert capsys.readouterr() == ("", "none\n")


def test_a_table_on_a_terminal_shows_markup_unchanged_and_short_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    print_table(("instanceId", "createdTime"), [("[red]a[/]", "2026-01-02T03:04:05Z")], "none")
    table = capsys.readouterr().out
    assert "[red]a[/]" in table
    assert "01-02 03:04:05" in table
    print_table(
        ("time", "event"),
        [("2026-01-02T03:04:05.1234567Z", "A"), ("2026-01-02T03:04:05Z", "B")],
        "none",
    )
    assert re.search(r" 01-02 03:04:05\.123 +A", capsys.readouterr().out)
    print_fields({"name": "[bold]", "runtimeStatus": "Completed"})
    assert "[bold]" in capsys.readouterr().out


def test_a_long_text_is_cut_between_words() -> None:
    text = format_cell("word " * 60)
    assert text == "word " * 39 + "..."
    assert format_cell("words " * 60) == "words " * 32 + "words..."
    assert format_cell("worded " * 60) == "worded " * 28 + "..."


def test_a_text_is_broken_between_words_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "The instance 'order-7' has finished."
    assert for_terminal(text) == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "24")
    assert for_terminal(text) == "The instance 'order-7'\nhas finished."
    assert for_terminal(text, prefix="Error: ") == "The instance\n'order-7' has finished."
    print_text("one\ntwo")
    assert capsys.readouterr().out == "one\ntwo\n"
