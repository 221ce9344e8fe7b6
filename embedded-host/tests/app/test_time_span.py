from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.app.time_span import parse_time_span, time_span_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:10", timedelta(seconds=10)),
        ("0:5", timedelta(minutes=5)),
        ("01:02:03.5", timedelta(hours=1, minutes=2, seconds=3.5)),
        ("1.00:00:00", timedelta(days=1)),
        ("2.03:04", timedelta(days=2, hours=3, minutes=4)),
        ("1:02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("24:00:00", timedelta(days=24)),
        ("25:10:00", timedelta(days=25, hours=10)),
        ("3", timedelta(days=3)),
        ("24:00", None),
        ("00:60", None),
        ("00:00:60", None),
        ("-00:01", None),
        ("99999999", None),
        ("1d", None),
    ],
)
def test_time_spans_are_parsed_in_the_formats_of_dotnet(
    text: str, expected: timedelta | None
) -> None:
    assert parse_time_span(text) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "00:00:02"), (0.5, "00:00:00.5000000"), (3723, "01:02:03"), (90000, "1.01:00:00")],
)
def test_time_spans_are_written_as_dotnet_writes_them(seconds: float, text: str) -> None:
    assert time_span_text(seconds) == text
