from __future__ import annotations

import io
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import pytest

from embedded_host.cli.arguments import NonEmpty, Timestamp, json_argument, sdk_encoded, statuses


def test_an_empty_name_is_refused() -> None:
    assert NonEmpty().convert("order-7", None, None) == "order-7"
    with pytest.raises(click.BadParameter, match="check that the variable is set"):
        NonEmpty().convert(" ", None, None)


@pytest.mark.parametrize("text", ["2026-01-31T23:59:00Z", "01/31/2026 23:59", "2026-01-31T23:59"])
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert Timestamp().convert(text, None, None) == datetime(
        2026, 1, 31, 23, 59, tzinfo=timezone.utc
    )


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h", timedelta(hours=1)),
        ("1D12h", timedelta(hours=36)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_period_is_a_time_before_now(text: str, period: timedelta) -> None:
    before = datetime.now(timezone.utc)
    converted = Timestamp().convert(text, None, None)
    assert isinstance(converted, datetime)
    assert before <= converted + period <= datetime.now(timezone.utc)


@pytest.mark.parametrize("text", ["1x", "h", "-1h", "1h2", "999999w999999w"])
def test_an_invalid_period_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="1h for one hour ago"):
        Timestamp().convert(text, None, None)


def test_an_invalid_time_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="'soon' is not a valid time"):
        Timestamp().convert("soon", None, None)


def test_statuses_are_separated_by_commas_or_blanks_in_any_case() -> None:
    assert statuses(["running,FAILED"], ["completed", "failed"]) == (
        "Running",
        "Failed",
        "Completed",
    )
    with pytest.raises(click.BadParameter, match="'done' is not one of Running"):
        statuses(["done"], [])
    with pytest.raises(click.UsageError, match="unexpected extra argument"):
        statuses([], ["completed"])


def test_json_is_an_argument_a_file_or_stdin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "input.json"
    file.write_text('\ufeff{"a": 1}', encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("[1]"))
    assert [json_argument(value, "--input") for value in (None, '"x"', f"@{file}", "@-")] == [
        None,
        '"x"',
        '{"a": 1}',
        "[1]",
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("Tokyo", "The value is not valid JSON: .* Strings need quotes"),
        ("NaN", "NaN is not a JSON value"),
        ("@none.json", "The file none.json cannot be read"),
    ],
)
def test_invalid_json_is_refused(
    value: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.BadParameter, match=problem) as raised:
        json_argument(value, "--input")
    assert raised.value.param_hint == "'--input'"


def test_the_sdk_encodes_a_value_twice() -> None:
    assert sdk_encoded('{"a": 1}') == '"{\\"a\\": 1}"'
