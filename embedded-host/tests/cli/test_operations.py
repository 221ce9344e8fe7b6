from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import Ask
from tests.cli.states import snapshot
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.process


@pytest.fixture
def waiting(host: RunningHost) -> dict[str, str]:
    """The links of an instance that waits for the event Approval."""
    links = host.start("Event", {"n": 1}, uuid4().hex)
    host.until(links, "Running")
    return links


def test_an_event_is_raised_with_its_data(
    host: RunningHost, ask: Ask, waiting: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"by": "Ada"}', encoding="utf-8")
    called = ask(
        "raise-event", "--id", waiting["id"], "--event-name", "Approval", "--event-data", f"@{file}"
    )
    assert called.out == f"Raised 'Approval' to '{waiting['id']}'.\n"
    assert host.end(waiting)["output"] == {"by": "Ada"}
    late = ask("raise-event", "--id", waiting["id"], "--event-name", "Approval")
    assert late.code == 4
    assert f"The instance '{waiting['id']}' has finished: Completed." in late.err


def test_an_event_without_data_has_null(
    host: RunningHost, ask: Ask, waiting: dict[str, str]
) -> None:
    raised = ask("raise-event", "--id", waiting["id"], "--event-name", "Approval", "--json").json
    assert raised == {"instanceId": waiting["id"], "raised": "Approval"}
    status = host.end(waiting)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", None)


def test_an_instance_is_suspended_and_resumed(
    host: RunningHost, ask: Ask, waiting: dict[str, str]
) -> None:
    id = waiting["id"]
    refused = ask("resume", "--id", id)
    assert refused.code == 4
    assert (
        f"Cannot resume the orchestration instance {id} because instance is in the Running state."
        in refused.err
    )
    assert ask("suspend", "--id", id, "--reason", "lunch & tea").out == f"Suspending '{id}'.\n"
    assert host.until(waiting, "Suspended")["output"] == "lunch & tea"
    assert ask("resume", "--id", id, "--json").json == {"instanceId": id, "operation": "resume"}
    host.until(waiting, "Running")


def test_an_instance_is_terminated_with_a_reason(
    host: RunningHost, ask: Ask, waiting: dict[str, str]
) -> None:
    assert ask("terminate", "--id", waiting["id"], "--reason", "enough").code == 0
    status = host.end(waiting)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")
    assert ask("terminate", "--id", waiting["id"]).code == 4


def test_a_failed_instance_is_rewound(host: RunningHost, ask: Ask, waiting: dict[str, str]) -> None:
    links = host.start("Failing", None, uuid4().hex)
    failed = host.end(links, showHistory="true")
    assert failed["runtimeStatus"] == "Failed"
    assert (
        ask("rewind", "--id", links["id"], "--reason", "again").out
        == f"Rewinding '{links['id']}'.\n"
    )

    def has_failed_again() -> bool:
        now = host.status(links, showHistory="true")
        kinds = [event["EventType"] for event in now.get("historyEvents") or ()]
        return now["runtimeStatus"] == "Failed" and "GenericEvent" in kinds

    eventually(has_failed_again, "it tried again")
    refused = ask("rewind", "--id", waiting["id"])
    assert refused.code == 4
    assert "has status Running" in refused.err


def test_a_restart_starts_another_instance(host: RunningHost, ask: Ask) -> None:
    links = host.start("Chain", 5, uuid4().hex)
    host.end(links)
    again = ask("restart", "--id", links["id"], "--json").json
    assert again["id"] != links["id"]
    assert host.end(again)["input"] == "5"
    same = ask("restart", "--id", links["id"], "--same-id")
    assert same.out == f"Started '{links['id']}' again as instance '{links['id']}'.\n"
    host.end(links)


def test_a_running_instance_is_not_restarted_in_place(ask: Ask, waiting: dict[str, str]) -> None:
    refused = ask("restart", "--id", waiting["id"], "--same-id")
    assert refused.code == 4
    assert "An Orchestration instance with the status Running already exists." in refused.err


@pytest.mark.parametrize(
    "command",
    [
        ("raise-event", "--id", "x", "--event-name", "a/b"),
        ("start-new", "--function-name", "Chain", "--id", "a/b"),
        ("entities", "signal", "--name", "Counter", "--key", "a/b", "--operation", "add"),
    ],
    ids=lambda command: str(command[0]),
)
def test_a_name_that_fits_no_url_is_refused(ask: Ask, command: tuple[str, ...]) -> None:
    called = ask(*command)
    assert (called.code, called.out) == (2, "")
    assert "'a/b' has a slash, which no address of the management API can hold." in called.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["raise-event", "--event-name", "E"],
        ["terminate"],
        ["suspend"],
        ["resume"],
        ["rewind"],
        ["restart"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_commands_that_change_an_instance_need_a_host(
    ask: Ask, host: RunningHost, state: Path, arguments: list[str]
) -> None:
    unknown = ask(*arguments, "--id", "no/body #1")
    assert unknown.code == 3
    assert f"There is no instance 'no/body #1' at {host.base}." in unknown.err
    before = snapshot(state)
    without = call(*arguments, "--id", "a", "--state", state)
    assert without.code == 2
    assert "only a running host does" in without.err
    assert snapshot(state) == before
