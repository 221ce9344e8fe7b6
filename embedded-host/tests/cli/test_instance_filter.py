"""The options that select instances."""

from __future__ import annotations

from datetime import datetime, timezone

import click
import pytest
from click.testing import CliRunner

from embedded_host.cli.instance_filter import instance_filter
from embedded_host.store.interface import InstanceQuery


def query_of(*arguments: str, allowed: tuple[str, ...] | None = None) -> InstanceQuery:
    """Return the query of a command with these arguments. Raises UsageError."""
    queries: list[InstanceQuery] = []
    decorate = instance_filter() if allowed is None else instance_filter(allowed)
    command = click.command()(decorate(lambda query: queries.append(query)))
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if isinstance(result.exception, click.UsageError):
        raise result.exception
    assert result.exception is None, result
    return queries[0]


def test_each_option_is_a_condition() -> None:
    options = ("--prefix", "order-", "--runtime-status", "failed", "running")
    times = ("--created-after", "2026-01-01", "--created-before", "2026-01-02")
    assert query_of(*options, *times) == InstanceQuery(
        id_prefix="order-",
        statuses=("Failed", "Running"),
        created_from=datetime(2026, 1, 1, tzinfo=timezone.utc),
        created_to=datetime(2026, 1, 2, tzinfo=timezone.utc),
    )


def test_each_option_of_values_and_parents_is_a_condition() -> None:
    values = ("--name", "Order", "--search", "a b", "--failed-with", "refused")
    assert query_of(*values, "--parent", "p", "--top-level") == InstanceQuery(
        name="Order", search="a b", failed_with="refused", parent_id="p", top_level=True
    )


@pytest.mark.parametrize("option", ["--name", "--search", "--failed-with", "--parent"])
def test_an_empty_value_does_not_select_all_instances(option: str) -> None:
    with pytest.raises(click.UsageError, match="The value is empty"):
        query_of(option, " ")


def test_a_text_that_the_host_refuses_is_refused() -> None:
    with pytest.raises(click.UsageError, match="The text has 1001 characters"):
        query_of("--search", "x" * 1001)


def test_without_options_there_is_no_condition() -> None:
    assert query_of() == InstanceQuery()


def test_only_the_allowed_statuses_are_accepted() -> None:
    with pytest.raises(click.UsageError, match="'running' is not one of Failed"):
        query_of("--runtime-status", "running", allowed=("Failed",))
