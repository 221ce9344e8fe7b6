from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from embedded_host.cli.lazy import LazyGroup


@pytest.fixture
def group() -> LazyGroup:
    group = LazyGroup("tool")
    group.lazy = {"explain": "embedded_host.cli.explain:explain"}
    return group


def test_a_command_is_imported_when_it_is_called(group: LazyGroup) -> None:
    result = CliRunner().invoke(group, ["explain", "EH201"])
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "EH201")


def test_imported_commands_are_listed_before_lazy_ones(group: LazyGroup) -> None:
    group.add_command(click.Command("start"))
    assert group.list_commands(click.Context(group)) == ["start", "explain"]


def test_a_misspelled_command_is_suggested(group: LazyGroup) -> None:
    result = CliRunner().invoke(group, ["explian"])
    assert result.exit_code == 2
    assert "There is no command 'explian'. Did you mean 'explain'?" in result.output
