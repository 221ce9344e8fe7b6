from __future__ import annotations

import json

import pytest

from embedded_host.management.json_text import LARGE, compact_json

VALUES = [{"a": [1, 1.5, None, True, "é😀", "\n"], "b": {}}, "x", [], "a\ud800b", {"/": "\u2028"}]


@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_json_of_any_size_is_compacted(value: object, ascii: bool) -> None:
    for document in (value, [value] * (LARGE // len(json.dumps(value)) + 1)):
        text = json.dumps(document, ensure_ascii=ascii, indent=1)
        assert compact_json(text) == json.dumps(
            document, ensure_ascii="\ud800" in str(value), separators=(",", ":")
        )


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", '"' + "x" * LARGE, "[" * LARGE + "]" * LARGE, "[" + "1," * LARGE + "]"],
)
def test_invalid_json_raises_at_any_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Illegal|deep"):
        compact_json(text)


def test_numbers_of_a_large_text_keep_their_spelling() -> None:
    text = "[1.50, " + "1, " * LARGE + "1e5]"
    assert compact_json(text) == text.replace(" ", "")
