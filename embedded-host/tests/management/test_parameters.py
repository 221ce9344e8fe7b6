from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.management.parameters import (
    LONGEST_WAIT,
    continuation_token,
    flag,
    form_decoded,
    id_of_token,
    page_size,
    parse_timestamp,
    preferred_wait,
    runtime_status,
    seconds,
)

AT = datetime(2026, 11, 23, 6, 37, 3, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-23T06:37:03Z",
            "2026-11-23t06:37:03z",
            " 2026-11-23T06:37:03 ",
            "2026-11-23 06:37:03",
        ),
        *("2026-11-23T08:37:03+02:00", "2026-11-23T08:37:03 02:00", "2026-11-23T08:37:03.000 0200"),
        *(
            "2026-11-23 08:37:03 02:00",
            "2026-11-23T06:37:03.0000000Z",
            "11/23/2026 06:37:03",
            "11/23/2026 6:37:03 AM",
        ),
        *("Mon, 23 Nov 2026 06:37:03 GMT", "Mon, 23 Nov 2026 08:37:03 +0200"),
    ],
)
def test_timestamps_are_parsed_in_the_usual_formats(text: str) -> None:
    assert parse_timestamp(text) == AT


def test_timestamps_without_seconds_or_time_are_parsed() -> None:
    assert (
        parse_timestamp("2026-11-23T06:37")
        == parse_timestamp("2026-11-23 06:37")
        == AT.replace(second=0)
    )
    assert (
        parse_timestamp("2026-11-23")
        == parse_timestamp("11/23/2026")
        == parse_timestamp("2026/11/23")
        == datetime(2026, 11, 23, tzinfo=timezone.utc)
    )


@pytest.mark.parametrize("year", ["1", "0001"])
def test_the_earliest_datetime_is_parsed_as_the_sdk_writes_it(year: str) -> None:
    earliest = datetime(1, 1, 1, tzinfo=timezone.utc)
    assert parse_timestamp(f"{year}-01-01T00:00:00.000000Z") == earliest


@pytest.mark.parametrize(
    "text",
    [None, "", " ", "x", "2026", "2026-02-30", "²", "Mon, x", "0001-01-01T00:00:00+05:00", "12"],
)
def test_invalid_timestamps_count_as_absent(text: str | None) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("0.5", 0.5), (".5", 0.5), ("1.", 1.0), (" 2e2 ", 200.0), ("+3", 3.0)],
)
def test_valid_seconds_are_parsed(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1_0", "nan", "inf", "1e999", "1e9", "٣"])
def test_invalid_seconds_count_as_absent(text: str | None) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [("TRUE", False, True), ("False", True, False), ("1", False, False), (None, True, True)],
)
def test_flags_are_parsed_in_any_case(text: str | None, default: bool, value: bool) -> None:
    assert flag(text, default) is value


@pytest.mark.parametrize(
    ("top", "size"),
    [
        ("5", 5),
        ("0", 100),
        ("-3", 100),
        (None, 100),
        ("2147483647", 2**31 - 1),
        ("2147483648", 100),
    ],
)
def test_a_page_size_is_a_positive_32_bit_number(top: str | None, size: int) -> None:
    assert page_size(top) == size


@pytest.mark.parametrize(
    ("text", "status"),
    [("Failed", "Failed"), ("7", "Suspended"), ("8", "(8)"), ("failed", None), ("-1", None)],
)
def test_a_status_is_a_case_sensitive_name_or_a_number(text: str, status: str | None) -> None:
    assert runtime_status(text) == status


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
def test_preferred_wait_is_a_whole_number_up_to_the_maximum(
    header: str | None, wait: float | None
) -> None:
    assert preferred_wait(header) == wait


@pytest.mark.parametrize("last", ["a", "ü\U0001f600", "", '"', "x" * 300])
def test_continuation_tokens_round_trip(last: str) -> None:
    assert id_of_token(continuation_token(last)) == (last or None)


@pytest.mark.parametrize(
    ("path", "text"), [("a+b%20c", "a b c"), ("%2B", "+"), ("%zz", "%zz"), ("%FF", "\ufffd")]
)
def test_a_plus_sign_in_a_path_is_a_space(path: str, text: str) -> None:
    assert form_decoded(path) == text
