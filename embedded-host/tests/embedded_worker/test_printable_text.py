"""Escapes of control and bidirectional characters."""

from __future__ import annotations

import json

from embedded_worker.printable_text import visible, visible_json


def test_control_and_bidirectional_characters_are_escaped() -> None:
    assert visible("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"
    assert visible("ä 中") == "ä 中"


def test_the_kept_characters_are_not_escaped() -> None:
    assert visible("a\tb\n\x07", keeps="\n\t") == "a\tb\n\\x07"
    assert visible("a\nb", keeps="\n") == "a\nb"


def test_the_escapes_of_a_json_document_do_not_change_its_value() -> None:
    value = {"a": "\u202e\x7f ä", "b": [1]}
    document = json.dumps(value, indent=2, ensure_ascii=False)
    escaped = visible_json(document, keeps="\n")
    assert all(line.isprintable() for line in escaped.split("\n"))
    assert "ä" in escaped
    assert json.loads(escaped) == value
    assert visible_json('{"a": 1}') == '{"a": 1}'
