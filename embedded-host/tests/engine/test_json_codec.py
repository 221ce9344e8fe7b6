from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_host.engine import json_codec
from embedded_host.engine.json_codec import (
    compact,
    compact_plain,
    compact_text,
    is_json,
    with_exponents,
)


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
def test_compact_json_has_no_spaces_and_escapes_lone_surrogates(value: Any, text: str) -> None:
    assert compact(value) == compact_plain(value) == text
    assert json.loads(text) == value
    assert compact(value).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
)
def test_compact_text_has_the_result_of_parsing_and_encoding(value: Any, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    assert compact_text(text) == compact(json.loads(text))
    assert is_json(text)


_PIECES = [
    *(
        "\\",
        '\\"',
        "\\n",
        "\\/",
        "\\u00f8",
        "\\u0022",
        "\\u005C",
        "\\u001f",
        "\\ud83d",
        "\\ude00",
        "\\u12",
        "\\U00000041",
    ),
    *("u00f8", "x", "ø", " ", ":", ","),
]


@given(st.lists(st.sampled_from(_PIECES)).map("".join))
def test_escapes_are_written_as_characters_or_kept(inner: str) -> None:
    text = f'["{inner}", 1.5, {{}}]'
    try:
        expected = compact(json.loads(text))
    except ValueError:
        with pytest.raises(json.JSONDecodeError):
            compact_text(text)
    else:
        assert compact_text(text) == expected


@given(st.text(alphabet='{}[]",:\\ 01eE.+-truefalsnNaIiy\ud800\x01é', max_size=12))
def test_is_json_agrees_with_json_loads(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert not is_json(text)
    else:
        assert is_json(text)


def test_json_that_is_nested_too_deeply_is_invalid() -> None:
    assert is_json("[" * 50 + "]" * 50)
    assert not is_json("[" * 200_000 + "]" * 200_000)


def test_every_python_limits_the_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parsers of Python 3.14 accept tens of thousands of levels."""
    monkeypatch.setattr(json_codec, "_skip", lambda _: None)
    monkeypatch.setattr(json_codec, "_DEPTH_IS_UNLIMITED", True)
    strings = r'"]}\"]}",'
    for count, is_valid in ((1000, True), (1001, False), (200_000, False)):
        assert is_json("[" * count + "]" * count) == is_valid
        assert is_json(f"[{strings}" * count + "1" + "]" * count) == is_valid
        assert (
            is_json('{"[":[' * (count // 2) + "{}" * (count % 2) + "]}" * (count // 2)) == is_valid
        )
    assert is_json("[" + "[{}]," * 5000 + "1]")


@pytest.mark.parametrize("before", [0, 1, 2149, 2150, 4299, 10_000])
@pytest.mark.parametrize("digits", [4300, 4301, 9000])
def test_a_number_that_python_does_not_parse_is_invalid_json(before: int, digits: int) -> None:
    text = f'["{"x" * before}", {"1" * digits}]'
    assert is_json(text) == (digits <= 4300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e+100", "1E+100"),
        (
            '{"1e-5":[5e-324,-1.5e+16,"2e+3 \\" 1e-4"]}',
            '{"1e-5":[5E-324,-1.5E+16,"2e+3 \\" 1e-4"]}',
        ),
        ('"one-e-two"', '"one-e-two"'),
        ("[1.5,true]", "[1.5,true]"),
    ],
)
def test_exponents_have_the_form_of_newtonsoft(text: str, expected: str) -> None:
    assert with_exponents(text) == expected
