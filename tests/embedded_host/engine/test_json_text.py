from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.json_text import compact, compact_plain


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"a": [1, True, None]}, '{"a":[1,true,null]}'),
        ("é😀", '"é😀"'),
        ('"\\\n', '"\\"\\\\\\n"'),
        ("\ud800", '"\\ud800"'),
        ({"é": "\udfff"}, '{"\\u00e9":"\\udfff"}'),
    ],
)
def test_compact(value: Any, text: str) -> None:
    assert compact(value) == compact_plain(value) == text
    assert json.loads(text) == value
    assert compact(value).encode()
