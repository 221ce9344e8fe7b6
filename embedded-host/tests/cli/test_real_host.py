"""Every command against what a real Functions host answered when it was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.testing import DurableApp
from tests.cli.calling import Called, call
from tests.conformance.probe_app import probe_app
from tests.support.functions_host_double import (
    GOLDEN,
    MASTER_KEY,
    NEW_ID,
    SYSTEM_KEY,
    FunctionsHostDouble,
)
from tests.support.running_host import MANAGEMENT

ID = ("--id", "order-7")


def ask(
    real: FunctionsHostDouble, *arguments: object, code: str | None = SYSTEM_KEY, stdin: str = ""
) -> Called:
    keys = () if code is None else ("--code", code)
    return call(*arguments, "--url", real.url, *keys, stdin=stdin)


EVERY_COMMAND: list[tuple[str, ...]] = [
    ("start-new", "--function-name", "Hello"),
    ("get-runtime-status", *ID),
    ("get-history", *ID),
    ("get-instances",),
    ("raise-event", *ID, "--event-name", "E"),
    ("terminate", *ID),
    ("suspend", *ID),
    ("resume", *ID),
    ("rewind", *ID),
    ("restart", *ID),
    ("purge-history",),
    ("purge-history", *ID),
    ("entities", "list"),
    ("entities", "get", "--name", "Counter", "--key", "visits"),
    ("entities", "signal", "--name", "Counter", "--key", "visits", "--operation", "add"),
    ("entities", "delete", "--name", "Counter", "--key", "visits"),
    ("watch", *ID),
    ("timeline", *ID),
    ("diagnose", *ID),
    ("export", *ID),
    ("functions", "list"),
]


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_a_missing_key_is_reported(real: FunctionsHostDouble, command: tuple[str, ...]) -> None:
    without, wrong = ask(real, *command, code=None), ask(real, *command, code="wrong")
    assert (without.code, wrong.code) == (1, 1)
    assert (without.out, wrong.out) == ("", "")
    key = "its master key" if command[0] == "functions" else "its system key durabletask_extension"
    assert key in without.err
    assert key in wrong.err
    if command[0] != "functions":
        assert "wants a key (status 401)" in without.err
        assert "does not take the key (status 401)" in wrong.err


def test_a_links_code_is_the_key(real: FunctionsHostDouble) -> None:
    links = real.replays("start/response", at=0)
    real.replays("start/response", at=1)
    for link in links.values():
        if link.startswith("http"):
            called = call("get-runtime-status", *ID, "--show-output", "--json", "--url", link)
            assert called.json["output"] == "World"
            assert SYSTEM_KEY not in called.out + called.err
            assert real.requests[-1][2].keys() == {"taskHub", "connection", "showInput"}
            assert real.requests[-1][3]["x-functions-key"] == SYSTEM_KEY


# -- one instance --------------------------------------------------------------------------------


def test_an_instance_is_started(real: FunctionsHostDouble) -> None:
    real.replays("api/start", at=0)
    called = ask(real, "start-new", "--function-name", "Hello", *ID, "--input", '{"k": 1.0}')
    assert called.out == "Started 'Hello' as instance 'order-7'.\n"
    assert "lists its functions only to those who have its master key (status 403)" in called.err
    assert real.requests[-1][4] == '{"k": 1.0}'
    real.replays("api/start", "no id, empty body")
    started = ask(real, "start-new", "--function-name", "Hello", "--json").json
    assert started["id"] == NEW_ID
    assert started["statusQueryGetUri"].startswith(f"{real.url}{MANAGEMENT}/instances/{NEW_ID}?")
    real.replays("api/start", "id with #")
    assert ask(real, "start-new", "--function-name", "Hello", "--id", "bad#id").code == 0


def test_an_unknown_orchestrator_is_reported(real: FunctionsHostDouble) -> None:
    binding = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
    real.responds(
        "GET", "/admin/functions", 200, [{"name": "Hello", "config": {"bindings": [binding]}}]
    )
    refused = ask(real, "start-new", "--function-name", "Helo", code=MASTER_KEY)
    assert refused.code == 3
    assert "has no orchestrator 'Helo'. Did you mean 'Hello'?" in refused.err
    real.responds("GET", "/admin/functions/Hello/status", 200, {})
    listed = ask(real, "functions", "list", "--json", code=MASTER_KEY).json
    assert [(f["name"], f["trigger"], f["problem"]) for f in listed] == [
        ("Hello", "orchestrationTrigger", None)
    ]
    # Without the master key nobody says so, neither the host.
    real.replays("api/start", "unknown function")
    assert ask(real, "start-new", "--function-name", "NoSuchOrchestrator").code == 0


def test_an_id_in_use_is_reported(real: FunctionsHostDouble) -> None:
    text = "An Orchestration instance with the status Running already exists."
    real.responds("POST", "/orchestrators/Hello/order-7", 409, {"Message": text})
    called = ask(real, "start-new", "--function-name", "Hello", *ID)
    assert called.code == 4
    assert f"There is an instance 'order-7' already, which has not finished: {text}" in called.err


STATUSES = [
    ("start/running-202", "running", "Running"),
    ("start/running-202", "completed", "Completed"),
    ("life/suspend-resume", "suspended", "Suspended"),
    ("life/terminate-no-reason", "terminated", "Terminated"),
    ("orch/ActFail", "final status", "Failed"),
]


@pytest.mark.parametrize(("case", "label", "status"), STATUSES)
def test_a_recorded_status_is_shown(
    real: FunctionsHostDouble, case: str, label: str, status: str
) -> None:
    body = real.replays(case, label)
    shown = ask(real, "get-runtime-status", *ID, "--show-input", "--show-output", "--json").json
    assert (shown, shown["runtimeStatus"]) == (body, status)
    brief = ask(real, "get-runtime-status", *ID, "--json").json
    assert not {"input", "output"} & brief.keys()


OPERATIONS: list[tuple[list[str], str, str, str]] = [
    (
        ["raise-event", "--event-name", "Approval", "--event-data", '"yes"'],
        "start/running-202",
        "raise",
        "Raised",
    ),
    (["terminate", "--reason", "enough"], "life/terminate", "terminate", "Terminating"),
    (["suspend", "--reason", "pausing"], "life/suspend-resume", "suspend", "Suspending"),
    (["resume", "--reason", "go on"], "life/suspend-resume", "resume", "Resuming"),
    (["rewind", "--reason", "fix"], "life/rewind-failed", "rewind", "Rewinding"),
    (["purge-history"], "life/purge", "purge", "Deleted 1 instance."),
]


@pytest.mark.parametrize(("command", "case", "label", "said"), OPERATIONS)
def test_an_operation_sends_its_request(
    real: FunctionsHostDouble, command: list[str], case: str, label: str, said: str
) -> None:
    real.replays(case, label)
    called = ask(real, *command, *ID)
    assert (called.code, called.out.startswith(said)) == (0, True), called
    if "--reason" in command:
        assert real.requests[-1][2]["reason"] == command[-1]
    if command[0] == "raise-event":
        assert real.requests[-1][4] == '"yes"'


@pytest.mark.parametrize(("command", "case", "label", "said"), OPERATIONS)
def test_an_operation_on_an_unknown_instance_is_not_found(
    real: FunctionsHostDouble, command: list[str], case: str, label: str, said: str
) -> None:
    for at in range(len(GOLDEN["api/missing-instance"])):
        real.replays("api/missing-instance", at=at)
    real.responds("POST", "/instances/order-7/raiseEvent/Approval", 404)
    real.replays("api/list", "empty page")
    called = ask(real, *command, *ID)
    assert called.code == 3, called
    assert f"There is no instance 'order-7' at {real.url}." in called.err


@pytest.mark.parametrize("command", [command for command, *_ in OPERATIONS[:4]])
def test_an_operation_on_a_finished_instance_is_not_allowed(
    real: FunctionsHostDouble, command: list[str]
) -> None:
    for operation in ("raise", "terminate", "suspend", "resume"):
        real.replays("start/running-202", f"{operation} after completion")
    real.replays("start/running-202", "completed")
    called = ask(real, *command, *ID)
    assert called.code == 4, called
    assert "The instance 'order-7' has finished: Completed." in called.err


def test_a_refusal_by_status_is_reported(real: FunctionsHostDouble) -> None:
    real.replays("start/running-202", "rewind completed")
    real.replays("life/suspend-resume", "suspend twice")
    real.replays("life/purge", "purge a running one")
    message = (
        "Cannot resume the orchestration instance order-7 because instance is in the Running state."
    )
    wrong = "Something went wrong while processing your request"
    real.responds(
        "POST", "/instances/order-7/resume", 500, {"Message": wrong, "ExceptionMessage": message}
    )
    exists = {
        "Message": "A non-terminal instance with this instance ID already exists.",
        "ExceptionMessage": "An Orchestration instance with the status Running already exists.",
    }
    real.responds("POST", "/instances/order-7/restart", 409, exists)
    for command, told in (
        (
            ["rewind"],
            'status Completed, but only orchestrations in the "Failed" state can be rewound.',
        ),
        (
            ["suspend"],
            "Cannot suspend the orchestration instance order-7 because instance is in the Suspended state.",
        ),
        (["resume"], message),
        (["purge-history"], "Only orchestrations in a terminal state can be purged"),
        (
            ["restart", "--same-id"],
            "An Orchestration instance with the status Running already exists.",
        ),
    ):
        called = ask(real, *command, *ID)
        assert (called.code, called.out) == (4, ""), called
        assert told in called.err


def test_an_instance_is_restarted(real: FunctionsHostDouble) -> None:
    real.replays("life/restart", "restart")
    assert ask(real, "restart", *ID).out == f"Started 'order-7' again as instance '{NEW_ID}'.\n"
    assert real.requests[-1][2]["restartWithNewInstanceId"] == "true"
    real.replays("life/restart", "restart in place")
    again = [ask(real, "restart", *ID, "--same-id") for _ in range(2)][-1]
    assert again.out == "Started 'order-7' again as instance 'order-7'.\n"
    real.replays("api/missing-instance", at=6, id="nowhere")
    real.replays("api/missing-instance", at=0, id="nowhere")
    real.replays("api/list", "empty page")
    missing = ask(real, "restart", "--id", "nowhere")
    assert (missing.code, "There is no instance 'nowhere'" in missing.err) == (3, True)


@pytest.mark.parametrize(
    "command",
    [
        ("get-runtime-status",),
        ("get-history",),
        ("watch",),
        ("timeline",),
        ("diagnose",),
        ("export",),
    ],
)
def test_an_unknown_instance_is_not_found(
    real: FunctionsHostDouble, command: tuple[str, ...]
) -> None:
    real.replays("api/missing-instance", at=0)
    real.replays("api/list", "empty page")
    called = ask(real, *command, *ID)
    assert (called.code, called.out) == (3, "")
    assert f"There is no instance 'order-7' at {real.url}." in called.err


# -- histories -------------------------------------------------------------------------------------


WITH_HISTORY = [
    case for case, steps in GOLDEN.items() if steps[-1]["request"].endswith("| with history")
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return probe_app(tmp_path_factory.mktemp("probe") / "app").root


@pytest.mark.parametrize("case", WITH_HISTORY)
def test_a_recorded_history_is_shown(
    real: FunctionsHostDouble, case: str, tmp_path: Path, probe: Path
) -> None:
    status = real.replays(case, "with history")
    assert ask(real, "get-history", *ID, "--json").json == status["historyEvents"]
    assert real.requests[-1][2] == {
        "showInput": "true",
        "showHistory": "true",
        "showHistoryOutput": "true",
    }
    table = ask(real, "get-history", *ID).out.splitlines()
    assert len(table) == 1 + len(status["historyEvents"])
    bars = ask(real, "timeline", *ID, "--json").json["bars"]
    assert (bars[0]["name"], bars[0]["outcome"]) == (status["name"], status["runtimeStatus"])
    ends = ("Completed", "Failed")
    settled = [
        e for e in status["historyEvents"] if e["EventType"].endswith(ends) and "ScheduledTime" in e
    ]
    assert [b["name"] for b in bars if b["kind"] in ("activity", "subOrchestration")] == [
        e["FunctionName"] for e in sorted(settled, key=lambda e: str(e["ScheduledTime"]))
    ]
    diagnosed = ask(real, "diagnose", *ID, "--json").json
    assert (diagnosed["source"], diagnosed["waitsFor"]) == ("history", [])
    if status["runtimeStatus"] not in ("Completed", "Failed"):
        return
    state = tmp_path / "state"
    exported = ask(real, "export", *ID)
    assert exported.json["status"] == status
    assert call("import", "-", "--state", state, stdin=exported.out).code == 0
    assert call("get-history", *ID, "--json", "--state", state).json == status["historyEvents"]
    again = call(
        "get-runtime-status", *ID, "--show-input", "--show-output", "--json", "--state", state
    ).json
    assert again == {key: value for key, value in status.items() if key != "historyEvents"}
    with DurableApp(probe) as app:
        replayed = app.replay(status)
        assert replayed.steps >= len(settled)
        assert app.replay(exported.json) == replayed


def test_a_waiting_instance_is_diagnosed_from_its_history(real: FunctionsHostDouble) -> None:
    status = {
        **real.replays("start/running-202", "running"),
        "historyEvents": [
            {"EventType": "ExecutionStarted", "Timestamp": "2026-11-25T09:30:00Z", "Input": '"{}"'}
        ],
    }
    real.responds("GET", "/instances/order-7", 202, status)
    ask(real, "get-runtime-status", *ID)
    called = ask(real, "diagnose", *ID)
    assert called.out.startswith(
        "WaitEvent 'order-7' is Running.\nNothing that it began is open since "
    )
    assert "it waits for an external event, for a turn on a host" in called.out
    assert "a function that does not exist" in called.out, (
        "a real host hangs there and says nothing"
    )


# -- many ------------------------------------------------------------------------------------------


def item(id: str) -> dict[str, Any]:
    return {
        "name": "Hello",
        "instanceId": id,
        "runtimeStatus": "Completed",
        "input": None,
        "customStatus": None,
        "output": "World",
        "createdTime": "2026-11-25T09:30:00Z",
        "lastUpdatedTime": "2026-11-25T09:30:00Z",
    }


def page(
    real: FunctionsHostDouble, path: str, items: list[dict[str, Any]], token: str | None
) -> None:
    real.responds("GET", path, 200, items, **({"x-ms-continuation-token": token} if token else {}))


def test_pages_are_joined_up_to_the_limit(real: FunctionsHostDouble) -> None:
    page(real, "/instances", [item("a"), item("b")], "first")
    page(real, "/instances", [], "second")
    page(real, "/instances", [item("c")], "third")
    page(real, "/instances", [item("d")], None)
    listed = ask(real, "get-instances", "--top", 3, "--json").json
    assert [one["instanceId"] for one in listed["instances"]] == ["a", "b", "c"]
    assert listed["continuationToken"] == "third"
    asked = [
        (query["top"], headers.get("x-ms-continuation-token"))
        for _, _, query, headers, _ in real.requests
    ]
    assert asked == [("3", None), ("1", "first"), ("1", "second")]
    rest = ask(real, "get-instances", "--top", 3, "--continuation-token", "third", "--json").json
    assert ([one["instanceId"] for one in rest["instances"]], rest["continuationToken"]) == (
        ["d"],
        None,
    )
    assert real.requests[-1][3]["x-ms-continuation-token"] == "third"


def test_an_empty_list_and_an_empty_purge_are_no_errors(real: FunctionsHostDouble) -> None:
    real.replays("api/list", "empty page")
    called = ask(real, "get-instances", "--prefix", "nosuchprefix")
    assert (called.code, called.out) == (0, "")
    assert called.err.endswith("No instances.\n")
    real.replays("api/purge-many", "nothing in range")
    purged = ask(real, "purge-history", "--created-before", "2001-01-02", "--json")
    assert purged.json == {"instancesDeleted": 0}
    assert real.requests[-2][2]["createdTimeFrom"] == "1970-01-01T00:00:00Z"


def test_entities_are_listed_and_read(real: FunctionsHostDouble) -> None:
    counter = ("--name", "Counter", "--key", "visits")
    real.replays("api/entities", "missing entity")
    real.replays("api/list", "empty page")
    missing = ask(real, "entities", "get", *counter)
    assert missing.code == 3
    assert f"There is no entity 'Counter' with the key 'visits' at {real.url}." in missing.err
    real.replays("api/entities", "signal")
    assert ask(real, "entities", "signal", *counter, "--operation", "add", "--input", "7").code == 0
    assert real.requests[-1][2]["op"] == "add"
    assert (real.requests[-1][3]["content-type"], real.requests[-1][4]) == (
        "application/json",
        '"7"',
    )
    real.replays("api/entities", "state")
    assert [ask(real, "entities", "get", *counter).out for _ in range(2)][-1] == "null\n"
    real.replays("api/entities", "unknown entity")
    unknown = ask(
        real,
        "entities",
        "signal",
        "--name",
        "NoSuchEntity",
        "--key",
        "visits",
        "--operation",
        "add",
    )
    assert unknown.code == 3
    assert (
        "The function 'nosuchentity' doesn't exist, is disabled, or is not an entity function."
        in unknown.err
    )
    listed = [
        {
            "entityId": {"name": "counter", "key": "visits"},
            "lastOperationTime": "2026-11-25T09:30:00.1Z",
            "state": 1,
        }
    ]
    page(real, "/entities", listed, None)
    assert ask(real, "entities", "list", "--json").json == {
        "entities": listed,
        "continuationToken": None,
    }
    # Ids that begin with @ skip the real host's checks: what is not there is deleted zero times.
    real.responds("DELETE", "/instances/@counter@visits", 200, {"instancesDeleted": 0})
    real.responds("DELETE", "/instances/@counter@visits", 200, {"instancesDeleted": 1})
    assert ask(real, "entities", "delete", *counter).code == 3
    assert (
        ask(real, "entities", "delete", *counter).out
        == "Deleted 'Counter' with the key 'visits'.\n"
    )


def test_watch_ends_with_the_instance(real: FunctionsHostDouble) -> None:
    real.replays("start/running-202", "running")
    real.replays("life/suspend-resume", "suspended")
    real.replays("start/running-202", "completed")
    called = ask(real, "watch", *ID, "--interval", "0.05", "--json")
    lines = [json.loads(line) for line in called.out.splitlines()]
    assert [line["runtimeStatus"] for line in lines] == ["Running", "Suspended", "Completed"]


# -- what only an embedded host and its state can -----------------------------------------------------


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("delete-task-hub", "--yes"), "The management API cannot delete a task hub."),
        (("import", "-"), "The management API takes no instances in"),
        (("backup",), "This is about the files of a state"),
        (("recover",), "This is about the files of a state"),
        (("keys", "list"), "This is about the files of a state"),
    ],
)
def test_operations_without_an_api_are_refused(
    real: FunctionsHostDouble, command: tuple[str, ...], told: str
) -> None:
    called = ask(real, *command, stdin="{}")
    assert (called.code, called.out, real.requests) == (2, "", [])
    assert told in called.err
