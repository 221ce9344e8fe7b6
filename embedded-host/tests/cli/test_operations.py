from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import snapshot
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.process


@pytest.fixture
def waiting(host: RunningHost) -> dict[str, str]:
    """Return the links of an instance that waits for the event Approval."""
    links = host.start("Event", {"n": 1}, uuid4().hex)
    host.until(links, "Running")
    return links


def test_an_event_is_raised_with_its_data(
    host: RunningHost, call_host: CallHost, waiting: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "data.json"
    file.write_text('{"by": "Ada"}', encoding="utf-8")
    called = call_host(
        "raise-event", "--id", waiting["id"], "--event-name", "Approval", "--event-data", f"@{file}"
    )
    assert called.out == f"Raised the event 'Approval' for the instance '{waiting['id']}'.\n"
    assert host.end(waiting)["output"] == {"by": "Ada"}
    late = call_host("raise-event", "--id", waiting["id"], "--event-name", "Approval")
    assert late.code == 4
    assert f"The instance '{waiting['id']}' has finished: Completed." in late.err


def test_the_default_data_of_an_event_is_null(
    host: RunningHost, call_host: CallHost, waiting: dict[str, str]
) -> None:
    raised = call_host(
        "raise-event", "--id", waiting["id"], "--event-name", "Approval", "--json"
    ).json
    assert raised == {"instanceId": waiting["id"], "raised": "Approval"}
    status = host.end(waiting)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", None)


def test_an_instance_is_suspended_and_resumed(
    host: RunningHost, call_host: CallHost, waiting: dict[str, str]
) -> None:
    id = waiting["id"]
    refused = call_host("resume", "--id", id)
    assert refused.code == 4
    assert (
        f"Cannot resume the orchestration instance {id} because instance is in the Running state."
        in refused.err
    )
    assert (
        call_host("suspend", "--id", id, "--reason", "lunch & tea").out == f"Suspending '{id}'.\n"
    )
    assert host.until(waiting, "Suspended")["output"] == "lunch & tea"
    assert call_host("resume", "--id", id, "--json").json == {
        "instanceId": id,
        "operation": "resume",
    }
    host.until(waiting, "Running")


def test_an_instance_is_terminated_with_a_reason(
    host: RunningHost, call_host: CallHost, waiting: dict[str, str]
) -> None:
    assert call_host("terminate", "--id", waiting["id"], "--reason", "enough").code == 0
    status = host.end(waiting)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "enough")
    assert call_host("terminate", "--id", waiting["id"]).code == 4


def test_a_failed_instance_is_rewound(
    host: RunningHost, call_host: CallHost, waiting: dict[str, str]
) -> None:
    links = host.start("Failing", None, uuid4().hex)
    failed = host.end(links, showHistory="true")
    assert failed["runtimeStatus"] == "Failed"
    assert (
        call_host("rewind", "--id", links["id"], "--reason", "again").out
        == f"Rewinding '{links['id']}'.\n"
    )

    def has_failed_again() -> bool:
        now = host.status(links, showHistory="true")
        kinds = [event["EventType"] for event in now.get("historyEvents") or ()]
        return now["runtimeStatus"] == "Failed" and "GenericEvent" in kinds

    eventually(has_failed_again, "the activity ran again")
    refused = call_host("rewind", "--id", waiting["id"])
    assert refused.code == 4
    assert "has status Running" in refused.err


def test_a_restart_starts_another_instance(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Chain", 5, uuid4().hex)
    host.end(links)
    restarted = call_host("restart", "--id", links["id"], "--json").json
    assert restarted["id"] != links["id"]
    assert host.end(restarted)["input"] == "5"
    same = call_host("restart", "--id", links["id"], "--same-id")
    assert same.out == f"Restarted '{links['id']}' as instance '{links['id']}'.\n"
    host.end(links)


def test_a_running_instance_is_not_restarted_in_place(
    call_host: CallHost, waiting: dict[str, str]
) -> None:
    refused = call_host("restart", "--id", waiting["id"], "--same-id")
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
def test_a_name_with_a_slash_is_refused(call_host: CallHost, command: tuple[str, ...]) -> None:
    called = call_host(*command)
    assert (called.code, called.out) == (2, "")
    assert (
        "'a/b' contains a slash, which a URL of the management API cannot represent." in called.err
    )


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
    call_host: CallHost, host: RunningHost, state: Path, arguments: list[str]
) -> None:
    unknown = call_host(*arguments, "--id", "no/body #1")
    assert unknown.code == 3
    assert f"There is no instance 'no/body #1' at {host.base}." in unknown.err
    before = snapshot(state)
    without = call(*arguments, "--id", "a", "--state", state)
    assert without.code == 2
    assert "This command requires a running host" in without.err
    assert snapshot(state) == before
