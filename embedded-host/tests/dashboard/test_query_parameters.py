from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.dashboard.query_parameters import (
    InvalidParameterError,
    QueryParameters,
    parse_integer,
)


def test_missing_parameters_have_defaults() -> None:
    parameters = QueryParameters({})
    assert (
        parameters.text("id"),
        parameters.flag("desc"),
        parameters.number("limit", 100, 1000),
    ) == ("", False, 100)
    assert (parameters.offset(), parameters.sort(), parameters.micros("from")) == (
        0,
        "created",
        None,
    )
    assert parameters.instance_query().statuses == ()


def test_parameters_are_converted() -> None:
    parameters = QueryParameters(
        {
            "id": "a",
            "desc": "true",
            "limit": "5",
            "offset": "7",
            "sort": "name",
            "from": "1970-01-01T00:00:01Z",
        }
    )
    assert (
        parameters.required("id"),
        parameters.flag("desc"),
        parameters.number("limit", 100, 1000),
    ) == ("a", True, 5)
    assert (parameters.offset(), parameters.sort(), parameters.micros("from")) == (
        7,
        "name",
        1_000_000,
    )


def test_the_filter_has_all_its_parameters() -> None:
    instance_query = QueryParameters(
        {
            "status": "Failed,Running",
            "name": "F",
            "prefix": "a",
            "to": "2026-01-02T03:04:05Z",
            "waiting": "event:Go",
        }
    ).instance_query()
    assert (
        instance_query.statuses,
        instance_query.name,
        instance_query.id_prefix,
        instance_query.waiting,
    ) == (
        ("Failed", "Running"),
        "F",
        "a",
        "event:Go",
    )
    assert (instance_query.created_from, instance_query.created_to) == (
        None,
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    )


def test_the_filter_has_the_parameters_for_values_and_parents() -> None:
    query = QueryParameters(
        {"search": "a", "failedwith": "b", "cause": "c", "parent": "d", "toplevel": "true"}
    ).instance_query()
    assert (query.search, query.failed_with, query.cause, query.parent_id, query.top_level) == (
        "a",
        "b",
        "c",
        "d",
        True,
    )


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, ("created", False)),
        ({"sort": "id", "desc": "1"}, ("id", True)),
        ({"order": "-lastUpdatedTime"}, ("updated", True)),
        ({"order": "duration", "desc": "1"}, ("duration", False)),
    ],
)
def test_an_order_is_a_name_with_or_without_a_sign(
    query: dict[str, str], order: tuple[str, bool]
) -> None:
    assert QueryParameters(query).order() == order


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("True", True), ("", False), ("0", False), ("false", False)],
)
def test_a_flag_has_these_values(text: str, value: bool) -> None:
    assert QueryParameters({"desc": text}).flag("desc") is value


def test_a_flag_with_another_value_is_invalid() -> None:
    with pytest.raises(InvalidParameterError, match="'desc' must be true or false, not 'yes'"):
        QueryParameters({"desc": "yes"}).flag("desc")


def test_a_parameter_that_is_not_read_is_unknown() -> None:
    parameters = QueryParameters({"id": "a", "code": "key", "ids": "b"})
    parameters.text("id")
    with pytest.raises(InvalidParameterError, match=r"'ids' is unknown.* are: id\."):
        parameters.reject_unknown()
    parameters.text("ids")
    parameters.reject_unknown()


def test_the_filter_for_counts_has_no_statuses() -> None:
    assert QueryParameters({"status": "Failed"}).instance_query(any_status=True).statuses == ()


def test_an_empty_required_parameter_is_missing() -> None:
    with pytest.raises(InvalidParameterError, match="'id' is missing"):
        QueryParameters({"id": ""}).required("id")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("999999999999", 999_999_999_999),
        ("1234567890123", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_an_integer_has_at_most_12_ascii_digits(text: str, value: int | None) -> None:
    assert parse_integer(text) == value
