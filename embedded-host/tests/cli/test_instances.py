from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import snapshot
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.process

KEYS = ["name", "instanceId", "runtimeStatus", "customStatus", "createdTime", "lastUpdatedTime"]


def test_a_started_instance_has_a_status(host: RunningHost, call_host: CallHost) -> None:
    id = uuid4().hex
    started = call_host(
        "start-new", "--function-name", "chain", "--id", id, "--input", '{"a": 1}', "--json"
    ).json
    assert started["id"] == id
    host.end(started)
    status = call_host("get-runtime-status", "--id", id, "--json").json
    assert list(status) == KEYS
    assert status["runtimeStatus"] == "Completed"
    document = call_host(
        "get-runtime-status", "--id", id, "--show-input", "--show-output", "true", "--json"
    ).json
    assert (document["input"], document["output"]) == ({"a": 1}, ["Tokyo", "Seattle", "London"])
    text = call_host("get-runtime-status", "--id", id, "--show-output").out
    assert "runtimeStatus    Completed\n" in text
    assert '["Tokyo", "Seattle", "London"]' in text


def test_the_input_is_read_from_a_file_or_stdin(
    host: RunningHost, call_host: CallHost, tmp_path: Path
) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"city": "Zürich"}', encoding="utf-8")
    for value, stdin in ((f"@{file}", ""), ("@-", '{"city": "Zürich"}')):
        started = call_host(
            "start-new", "--function-name", "Chain", "--input", value, "--json", stdin=stdin
        ).json
        host.end(started)
        assert host.status(started)["input"] == {"city": "Zürich"}


@pytest.mark.parametrize(
    ("function", "input", "output"), [("FanOut", "2", [0, 1]), ("CountTo", " [1, 2]", 2)]
)
def test_an_input_is_encoded_as_by_the_sdk_unless_it_is_an_object(
    host: RunningHost, call_host: CallHost, function: str, input: str, output: object
) -> None:
    started = call_host("start-new", "--function-name", function, "--input", input, "--json").json
    status = host.end(started)
    assert (status["runtimeStatus"], status["output"]) == ("Completed", output)


def test_start_prints_the_instance_id(call_host: CallHost) -> None:
    id = uuid4().hex
    assert (
        call_host("start-new", "--function-name", "Event", "--id", id).out
        == f"Started 'Event' as instance '{id}'.\n"
    )
    second = call_host("start-new", "--function-name", "Event", "--id", id)
    assert second.code == 4
    assert f"An instance '{id}' exists and has not finished" in second.err


def test_start_waits_for_the_output(call_host: CallHost) -> None:
    start = ("start-new", "--wait", "--function-name")
    called = call_host(*start, "Chain")
    assert called.code == 0
    assert json.loads(called.out) == ["Tokyo", "Seattle", "London"]
    assert "Started 'Chain' as instance '" in called.err
    assert call_host(*start, "Catching").out.startswith("caught Activity"), "without quotes"
    document = call_host(*start, "Chain", "--json").json
    assert document["runtimeStatus"] == "Completed"


def test_a_start_that_waits_exits_by_the_status(call_host: CallHost) -> None:
    start = ("start-new", "--wait", "--function-name")
    failed = call_host(*start, "Failing", "--id", uuid4().hex)
    assert (failed.code, failed.out) == (1, "")
    assert "boom" in failed.err
    assert "has finished: Failed. Correct the cause, then run embedded-host rewind" in failed.err
    id = uuid4().hex
    waiting = call_host(*start, "Event", "--id", id, "--timeout", "0.1")
    assert (waiting.code, waiting.out) == (5, "")
    assert (
        f"The instance '{id}' has not finished after 0.1 s. It is Running and waits for event "
        "Approval." in waiting.err
    )
    assert call_host("start-new", "--function-name", "Event", "--timeout", "1").code == 2


def test_a_misspelled_orchestrator_is_not_started(call_host: CallHost) -> None:
    called = call_host("start-new", "--function-name", "Chian", "--id", "never")
    assert called.code == 3
    assert "has no orchestrator 'Chian'. Did you mean 'Chain'?" in called.err
    assert call_host("get-runtime-status", "--id", "never").code == 3


def test_the_history_is_printed_as_json_and_as_a_table(
    host: RunningHost, call_host: CallHost
) -> None:
    links = host.start("Chain")
    host.end(links)
    events = call_host("get-history", "--id", links["id"], "--json").json
    kinds = [event["EventType"] for event in events]
    assert kinds == ["ExecutionStarted", *["TaskCompleted"] * 3, "ExecutionCompleted"]
    assert events[1]["Result"] == "Tokyo"
    lines = call_host("get-history", "--id", links["id"]).out.splitlines()
    assert lines[0].split() == ["time", "event", "name", "detail"]
    assert lines[2].split()[1:] == ["TaskCompleted", "Echo", "Tokyo"]


def test_instances_of_a_host_are_found_and_sorted(host: RunningHost, call_host: CallHost) -> None:
    prefix = uuid4().hex
    for number in (1, 2):
        host.end(host.start("Chain", {"text": f"{prefix}-needle"}, f"{prefix}-{number}"))
    host.end(host.start("Parent", None, f"{prefix}-3"))
    options = ("--search", f"{prefix}-NEEDLE", "--order", "-id", "--json")
    found = call_host("get-instances", *options).json["instances"]
    assert [item["instanceId"] for item in found] == [f"{prefix}-2", f"{prefix}-1"]
    assert [call_host("get-runtime-status", "--id", f"{prefix}-2", "--json").json] == [
        {name: found[0][name] for name in KEYS}
    ]
    first = call_host("get-instances", *options, "--limit", 1).json
    token = first["continuationToken"]
    rest = call_host("get-instances", *options, "--limit", 1, "--continuation-token", token).json
    assert [item["instanceId"] for item in rest["instances"]] == [f"{prefix}-1"]
    children = call_host("get-instances", "--parent", f"{prefix}-3", "--json").json["instances"]
    assert {item["parentInstanceId"] for item in children} == {f"{prefix}-3"}


def test_a_sub_orchestration_is_shown_with_its_id_and_the_id_of_its_parent(
    host: RunningHost, call_host: CallHost
) -> None:
    links = host.start("Parent", None, uuid4().hex)
    host.end(links)
    events = call_host("get-history", "--id", links["id"], "--json").json
    children = [
        event["InstanceId"]
        for event in events
        if event["EventType"] == "SubOrchestrationInstanceCompleted"
    ]
    assert len(children) == 3
    text = call_host("get-history", "--id", links["id"]).out
    assert all(f"({child})" in text for child in children)
    assert (
        call_host("get-runtime-status", "--id", children[0], "--json").json["parentInstanceId"]
        == links["id"]
    )
    listed = call_host("get-instances", "--prefix", children[0], "--json").json["instances"]
    assert [item.get("parentInstanceId") for item in listed] == [links["id"]]


def test_the_list_is_filtered_and_paged(host: RunningHost, call_host: CallHost) -> None:
    prefix = uuid4().hex
    ids = [f"{prefix}-{n}" for n in range(3)]
    for id in ids:
        host.end(host.start("Chain", {"n": id}, id))
    host.start("Event", None, f"{prefix}-waits")
    first = call_host("get-instances", "--prefix", prefix, "--top", 2, "--json").json
    assert [item["instanceId"] for item in first["instances"]] == ids[:2]
    assert list(first["instances"][0]) == KEYS
    token = first["continuationToken"]
    more = call_host(
        "get-instances", "--prefix", prefix, "--top", 2, "--continuation-token", token, "--json"
    ).json
    assert [item["instanceId"] for item in more["instances"]] == [ids[2], f"{prefix}-waits"]
    assert more["continuationToken"] is None
    done = (
        "get-instances",
        "--prefix",
        prefix,
        "--runtime-status",
        "completed",
        "failed",
        "--json",
    )
    assert [item["instanceId"] for item in call_host(*done).json["instances"]] == ids
    table = call_host("get-instances", "--prefix", prefix, "--top", 2, "--show-output")
    assert table.out.splitlines()[0].split()[-1] == "output"
    assert "--continuation-token" in table.err
    late = call_host("get-instances", "--prefix", prefix, "--created-after", "2999-01-01")
    assert (late.code, late.out) == (0, "")
    assert "There are no instances." in late.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--runtime-status", "done"], "'done' is not one of Running, Completed"),
        (["--created-after", "soon"], "'soon' is not a valid time"),
        (["completed"], "unexpected extra argument (completed)"),
        (["--top", "0"], "--top"),
    ],
)
def test_invalid_filters_are_refused(
    call_host: CallHost, arguments: list[str], problem: str
) -> None:
    called = call_host("get-instances", *arguments)
    assert called.code == 2
    assert problem in called.err


@pytest.mark.parametrize(
    "command", ["get-runtime-status", "get-history", "timeline", "diagnose", "export", "watch"]
)
def test_an_unknown_instance_is_not_found(
    call_host: CallHost, host: RunningHost, state: Path, command: str
) -> None:
    called = call_host(command, "--id", "unknown")
    assert (called.code, called.out) == (3, "")
    assert f"There is no instance 'unknown' at {host.base}." in called.err
    called = call(command, "--id", "unknown", "--state", state)
    assert (called.code, called.out) == (3, "")
    assert (
        f"There is no instance 'unknown' at {state / 'state.db'}, task hub TestHub." in called.err
    )


def test_reading_a_state_file_does_not_write_to_it(state: Path) -> None:
    before = snapshot(state)
    called = call("get-instances", "--state", state, "--show-input", "--show-output", "--json")
    assert called.err == f"State: {state / 'state.db'}, task hub TestHub (read-only)\n"
    listed = called.json["instances"]
    assert [(item["instanceId"], item["runtimeStatus"]) for item in listed] == [
        ("@counter@visits", "Running"),
        ("a", "Completed"),
        ("b", "Failed"),
        ("c", "Running"),
    ]
    assert (listed[1]["input"], listed[1]["output"]) == ({"n": 1}, "done")
    page = call("get-instances", "--state", state, "--top", 1, "--prefix", "b", "--json").json
    assert [item["instanceId"] for item in page["instances"]] == ["b"]
    token = call("get-instances", "--state", state, "--top", 2, "--json").json["continuationToken"]
    rest = call("get-instances", "--state", state, "--continuation-token", token, "--json").json
    assert [item["instanceId"] for item in rest["instances"]] == ["b", "c"]
    kinds = [
        event["EventType"]
        for event in call("get-history", "--id", "a", "--state", state, "--json").json
    ]
    assert kinds[:3] == ["ExecutionStarted", "TimerCreated", "TaskCompleted"]
    status = call(
        "get-runtime-status", "--id", "b", "--state", state, "--show-output", "--json"
    ).json
    assert (status["runtimeStatus"], status["output"]) == ("Failed", "it broke")
    assert snapshot(state) == before


def test_host_and_state_file_give_the_same_output(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Chain", {"x": [1, None]})
    host.end(links)
    for arguments in (
        ("get-runtime-status", "--show-input", "--show-output"),
        ("get-history",),
        ("timeline",),
    ):
        full = (*arguments, "--id", links["id"], "--json")
        assert json.loads(call_host(*full).out) == call(*full, "--state", host.state).json


def test_the_history_table_shows_the_operations_on_entities(
    host: RunningHost, call_host: CallHost
) -> None:
    links = host.start("CountWithEntity", None, uuid4().hex)
    host.end(links)
    rows = [
        line.split(maxsplit=2)[1:]
        for line in call_host("get-history", "--id", links["id"]).out.splitlines()
    ]
    counter = f"@counter@{links['id']}"
    assert [" ".join(row[1].split()) for row in rows if row[0] == "EventSent"] == [
        f"{counter} add 5 (signal)",
        f"{counter} add 3",
        f"{counter} get",
    ]
    assert [row[1].split()[1] for row in rows if row[0] == "EventRaised"] == ["8", "8"]
