"""Tests of the JSON parser, its notes and the locations of its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_host.app.json_file import JsonFileError, parse_json, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_every_valid_document_is_parsed_like_the_json_module_does(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    file = parse_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "x.json")
    assert file.value == value
    assert file.notes == ()


def test_keys_and_values_have_line_and_column() -> None:
    file = parse_json('{\n  "bindings": [\n    {"type":  "http"}\n  ]\n}', "F/function.json")
    assert file.location(("bindings", 0, "type"), key=True) == "F/function.json:3:6"
    assert file.location(("bindings", 0, "type")) == "F/function.json:3:15"
    assert file.location(("bindings", 0, "name")) == "F/function.json:3:5"  # the enclosing value
    assert file.location(("nothing", "at", "all")) == "F/function.json:1:1"


def test_comments_and_trailing_commas_are_noted() -> None:
    text = '// one\n{"a": [1, 2,], /* two\n lines */ "b": "// text", }// end'
    file = parse_json(text, "host.json")
    assert file.value == {"a": [1, 2], "b": "// text"}
    problems = [str(problem) for problem in file.warnings("Remove it.")]
    assert problems == [
        "host.json:1:1: JSON has no comments (found 3 times). Remove it. [EH111]",
        "host.json:2:12: JSON has no comma before ']'. Remove it. [EH111]",
        "host.json:3:25: JSON has no comma before '}'. Remove it. [EH111]",
    ]


def test_a_duplicate_key_is_noted() -> None:
    file = parse_json('{"a": 1,\n "a": 2}', "x")
    assert file.value == {"a": 2}
    assert str(file.warnings("")[0]) == "x:2:2: 'a' occurs twice; the last value is used. [EH111]"


ERRORS = [
    ("", 1, 1, "it is empty"),
    ("  \n // nothing", 1, 1, "it is empty"),
    ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "a comma is missing before '\"b\"'"),
    ('{"a" 1}', 1, 6, "':' is missing after \"a\""),
    ("{'a': 1}", 1, 2, "keys need double quotes"),
    ("{a: 1}", 1, 2, "keys need double quotes"),
    ("{1: 1}", 1, 2, "expected a key in double quotes here, but found '1'"),
    ("{,}", 1, 2, "expected a key in double quotes here, but found ','"),
    ("{\"a\": 'b'}", 1, 7, "not single quotes"),
    ('{"a": True}', 1, 7, "write 'true' instead of 'True'"),
    ('{"a": hello}', 1, 7, 'a string needs double quotes: "hello"'),
    ('{"a": }', 1, 7, "expected a value here, but found '}'"),
    ('{"a": 01}', 1, 7, "expected a value here, but found '01'"),
    ('{"a": NaN}', 1, 7, "double quotes"),
    ('{"a": 1', 1, 1, "'{' has no closing"),
    ('{\n "a": [1', 2, 7, "'[' has no closing"),
    ('{"a": [1}', 1, 9, "expected ']' here, but found '}'"),
    ('{"a": "x\n"}', 1, 7, "no closing double quote on its line"),
    ('{"a": "x', 1, 7, "no closing double quote"),
    ('{"a": "x\ty"}', 1, 9, "write a tab as"),
    ('{"a": "C:\\dir"}', 1, 10, "write a backslash in a string as"),
    ("{} {}", 1, 4, "after the end of the document"),
    ("{ /* open", 1, 3, "no closing '*/'"),
    ("9" * 5000, 1, 1, "the number is too long"),
    ("[" * 100_000, 0, 0, "nested too deeply"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "fault"), ERRORS, ids=[error[3] for error in ERRORS]
)
def test_an_error_names_the_fault_and_its_position(
    text: str, line: int, column: int, fault: str
) -> None:
    with pytest.raises(JsonFileError) as raised:
        parse_json(text, "x.json")
    assert fault in raised.value.fault
    assert (raised.value.line, raised.value.column) == (line, column)


def test_an_error_shows_the_line_and_marks_the_column() -> None:
    with pytest.raises(JsonFileError) as raised:
        parse_json('{\r\n  "a": 1\r\n\t"b": 2\r\n}', "host.json")
    problem = raised.value.problem("Add it.", function="F", fatal=True)
    assert str(problem).splitlines() == [
        "host.json:3:2: The 'F' function is in error: The file is not valid JSON: a comma is "
        "missing before '\"b\"'.",
        '     "b": 2',
        "     ^",
        "    Add it. [EH110]",
    ]
    assert problem.function == "F"
    assert problem.fatal


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"\xc3\xa9": 1}')
    assert read_json(path, "x.json").value == {"é": 1}


@pytest.mark.parametrize(
    ("raw", "line", "column", "fault"),
    [
        (b'{\n"a": "\xc3\xa9\xe9"}', 2, 8, "the byte 0xe9, which is not valid UTF-8"),
        (b'\xef\xbb\xbf{\n"a": "\xc3\xa9\xe9"}', 2, 8, "the byte 0xe9, which is not valid UTF-8"),
        (b"\xef\xbb\xbf{@\xbf{A", 1, 3, "the byte 0xbf, which is not valid UTF-8"),
        (b"\xff\xfe{\x00}\x00", 1, 1, "UTF-16"),
    ],
)
def test_a_file_that_is_not_utf_8_is_an_error(
    tmp_path: Path, raw: bytes, line: int, column: int, fault: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    with pytest.raises(JsonFileError) as raised:
        read_json(path, "x.json")
    assert fault in raised.value.fault
    assert (raised.value.line, raised.value.column) == (line, column)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JsonFileError, match=r"x\.json: The file cannot be read"):
        read_json(tmp_path, "x.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json", "none.json")


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    text = r'{"\ud800": "a\udfffb", "pair": "\ud83d\ude00"}'
    file = parse_json(text, "x.json")
    assert file.value == {"\N{REPLACEMENT CHARACTER}": "a\N{REPLACEMENT CHARACTER}b", "pair": "😀"}
