from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from embedded_host.http.management_values import (
    LARGE,
    LONGEST_WAIT,
    compact_json,
    flag,
    form_decoded,
    id_before,
    moment,
    page_size,
    preferred_wait,
    seconds,
    status_named,
    token_after,
)

AT = datetime(2026, 11, 23, 6, 37, 3, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-23T06:37:03Z", "2026-11-23t06:37:03z", " 2026-11-23T06:37:03 ", "2026-11-23 06:37:03"),
        *("2026-11-23T08:37:03+02:00", "2026-11-23T08:37:03 02:00", "2026-11-23T08:37:03.000 0200"),
        *("2026-11-23 08:37:03 02:00", "2026-11-23T06:37:03.0000000Z", "11/23/2026 06:37:03", "11/23/2026 6:37:03 AM"),
        *("Mon, 23 Nov 2026 06:37:03 GMT", "Mon, 23 Nov 2026 08:37:03 +0200"),
    ],
)
def test_moments(text: str) -> None:
    assert moment(text) == AT


def test_moments_without_seconds_or_time() -> None:
    assert moment("2026-11-23T06:37") == moment("2026-11-23 06:37") == AT.replace(second=0)
    assert (
        moment("2026-11-23")
        == moment("11/23/2026")
        == moment("2026/11/23")
        == datetime(2026, 11, 23, tzinfo=timezone.utc)
    )


@pytest.mark.parametrize(
    "text", [None, "", " ", "x", "2026", "2026-02-30", "²", "Mon, x", "0001-01-01T00:00:00+05:00", "12"]
)
def test_what_is_no_moment(text: str | None) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), ("0.5", 0.5), (".5", 0.5), ("1.", 1.0), (" 2e2 ", 200.0), ("+3", 3.0)]
)
def test_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1_0", "nan", "inf", "1e999", "1e9", "٣"])
def test_what_is_no_number_of_seconds(text: str | None) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [("TRUE", False, True), ("False", True, False), ("1", False, False), (None, True, True)],
)
def test_flags(text: str | None, default: bool, value: bool) -> None:
    assert flag(text, default) is value


@pytest.mark.parametrize(
    ("top", "size"), [("5", 5), ("0", 100), ("-3", 100), (None, 100), ("2147483647", 2**31 - 1), ("2147483648", 100)]
)
def test_page_sizes(top: str | None, size: int) -> None:
    assert page_size(top) == size


@pytest.mark.parametrize(
    ("text", "status"), [("Failed", "Failed"), ("7", "Suspended"), ("8", "(8)"), ("failed", None), ("-1", None)]
)
def test_statuses(text: str, status: str | None) -> None:
    assert status_named(text) == status


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        *(
            ("wait=5", 5.0),
            ("respond-async, wait=10", 10.0),
            ("WAIT = 3", 3.0),
            ('wait="7"; x=y', 7.0),
            ("wait=0", 0.0),
        ),
        *(
            ("wait=99999", LONGEST_WAIT),
            ("respond-async", None),
            ("wait=-1", None),
            ("wait=x", None),
            ("await=5", None),
        ),
        *(("", None), (None, None), ("wait=1.5", None)),
    ],
)
def test_preferred_wait(header: str | None, wait: float | None) -> None:
    assert preferred_wait(header) == wait


@pytest.mark.parametrize("last", ["a", "ü\U0001f600", "", '"', "x" * 300])
def test_tokens_come_back(last: str) -> None:
    assert id_before(token_after(last)) == (last or None)


VALUES = [{"a": [1, 1.5, None, True, "é😀", "\n"], "b": {}}, "x", [], "a\ud800b", {"/": "\u2028"}]


@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_json_text_is_made_compact_however_large_it_is(value: object, ascii: bool) -> None:
    for document in (value, [value] * LARGE):
        text = json.dumps(document, ensure_ascii=ascii, indent=1)
        assert compact_json(text) == json.dumps(document, ensure_ascii="\ud800" in str(value), separators=(",", ":"))


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", '"' + "x" * LARGE, "[" * LARGE + "]" * LARGE, "[" + "1," * LARGE + "]"]
)
def test_what_is_no_json_is_refused_however_large_it_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Illegal|deep"):
        compact_json(text)


def test_a_large_number_of_a_large_text_stays_as_it_is_spelled() -> None:
    text = "[1.50, " + "1, " * LARGE + "1e5]"
    assert compact_json(text) == text.replace(" ", "")


@pytest.mark.parametrize(("path", "text"), [("a+b%20c", "a b c"), ("%2B", "+"), ("%zz", "%zz"), ("%FF", "\ufffd")])
def test_form_decoded_paths(path: str, text: str) -> None:
    assert form_decoded(path) == text
