"""Operations on all instances that a filter selects."""

from __future__ import annotations

import io
import sys
from uuid import uuid4

import click
import pytest

from embedded_host.cli.bulk import NotConfirmedError, confirm, for_each, matching_ids, sentence
from embedded_host.cli.command import CommandError, NotAllowedError
from embedded_host.cli.host_connection import HostConnection
from embedded_host.cli.management_api import ManagementClient
from embedded_host.cli.reader import InstanceStatus, Page
from embedded_host.store.interface import InstanceQuery
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.support.running_host import RunningHost


class Terminal(io.StringIO):
    """A terminal at which the user has typed a text."""

    def isatty(self) -> bool:
        return True


class PagedHost(ManagementClient):
    """A host whose list has two pages."""

    def __init__(self) -> None:
        super().__init__(HostConnection("http://localhost:1"))

    def instances(
        self,
        query: InstanceQuery,
        top: int,
        token: str | None = None,
        *,
        show_input: bool = False,
        order: str | None = None,
    ) -> Page[InstanceStatus]:
        ids = ["@counter@a", "a", "b"] if token is None else ["c"]
        items = [InstanceStatus({"instanceId": id}) for id in ids]
        return Page(items, "next" if token is None else None)


def test_the_ids_of_all_pages_are_selected_without_entities() -> None:
    assert matching_ids(PagedHost(), InstanceQuery()) == ["a", "b", "c"]


def test_a_confirmation_shows_the_number_and_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(click.Abort):
        confirm("rewind", ["a", "b", "c", "d"], "http://h", False)
    assert "Rewind 4 instances at http://h (a, b, c, ...)? [y/N]" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    confirm("rewind", ["a"], "http://h", False)
    assert "Rewind 1 instance at http://h (a)?" in capsys.readouterr().err


def test_without_a_terminal_a_confirmation_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(NotConfirmedError, match="This would suspend 1 instance at http://h: confi"):
        confirm("suspend", ["a"], "http://h", False)
    confirm("suspend", ["a"], "http://h", True)
    confirm("suspend", [], "http://h", False)


def test_an_instance_whose_status_has_changed_is_left_out() -> None:
    def operation(id: str) -> int:
        if id == "b":
            raise NotAllowedError("it has finished")
        return len(id)

    assert for_each(["a", "b", "cc"], operation, "Suspending") == ({"a": 1, "cc": 2}, ["b"])
    assert for_each([], operation, "Suspending") == ({}, [])


def test_a_host_that_stops_ends_the_operation() -> None:
    def operation(id: str) -> None:
        raise CommandError("no host")

    with pytest.raises(CommandError, match="no host"):
        for_each(["a", "b"], operation, "Suspending")


def test_the_sentence_has_the_right_numbers() -> None:
    assert sentence("Resuming", 1, 0) == "Resuming 1 instance."
    assert sentence("Resuming", 2, 1).startswith("Resuming 2 instances. 1 instance was left out")
    assert "2 instances were left out" in sentence("Resuming", 0, 2)


def test_an_id_or_a_filter_is_required() -> None:
    missing = call("terminate")
    assert missing.code == 2
    assert "Select an instance with --id, or several with an option" in missing.err
    both = call("terminate", "--id", "a", "--prefix", "b")
    assert both.code == 2
    assert "--id cannot be combined with the options that select instances." in both.err
    finished = call("terminate", "--runtime-status", "failed")
    assert finished.code == 2
    assert "'failed' is not one of Running" in finished.err


@pytest.mark.process
def test_a_filter_selects_the_instances_of_each_operation(
    host: RunningHost, call_host: CallHost
) -> None:
    prefix = uuid4().hex
    ids = [f"{prefix}-{number}" for number in range(3)]
    links = [host.start("Event", None, id) for id in ids]
    for each in links:
        host.until(each, "Running")
    selected = ("--prefix", prefix)
    refused = call_host("terminate", *selected)
    assert (refused.code, refused.out) == (2, "")
    assert f"This would terminate 3 instances at {host.base}: confirm with --yes." in refused.err
    assert call_host("suspend", *selected, "--yes", "--json").json == {
        "operation": "suspend",
        "instances": ids,
        "leftOut": [],
    }
    for each in links:
        host.until(each, "Suspended")
    assert call_host("suspend", *selected, "--yes").out == "Suspending 0 instances.\n"
    assert call_host("resume", *selected, "--yes").out == "Resuming 3 instances.\n"
    reason = ("--reason", "enough")
    assert call_host("terminate", *selected, *reason, "--yes").out == "Terminating 3 instances.\n"
    assert [host.end(each)["output"] for each in links] == ["enough"] * 3
    restarted = call_host("restart", *selected, "--yes", "--json").json
    assert [each["instanceId"] for each in restarted["instances"]] == ids
    for each in restarted["instances"]:
        assert call_host("terminate", "--id", each["restartedAs"]).code == 0
    assert call_host("rewind", *selected, "--yes").out == "Rewinding 0 instances.\n"
