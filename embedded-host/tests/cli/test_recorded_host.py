"""All commands with recorded responses of the Azure Functions host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.testing import DurableApp
from tests.cli.calling import Called, call
from tests.conformance.probe_app import probe_app
from tests.support.recorded_host import GOLDEN, MASTER_KEY, NEW_ID, SYSTEM_KEY, RecordedHost
from tests.support.running_host import MANAGEMENT

ID = ("--id", "order-7")


def call_recorded(
    recorded_host: RecordedHost, *arguments: object, code: str | None = SYSTEM_KEY, stdin: str = ""
) -> Called:
    keys = () if code is None else ("--code", code)
    return call(*arguments, "--url", recorded_host.url, *keys, stdin=stdin)


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
    ("tree", *ID),
    ("export", *ID),
    ("functions", "list"),
]


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_a_missing_key_is_reported(recorded_host: RecordedHost, command: tuple[str, ...]) -> None:
    without_key, wrong_key = (
        call_recorded(recorded_host, *command, code=None),
        call_recorded(recorded_host, *command, code="wrong"),
    )
    assert (without_key.code, wrong_key.code) == (1, 1)
    assert (without_key.out, wrong_key.out) == ("", "")
    key = "its master key" if command[0] == "functions" else "its system key durabletask_extension"
    assert key in without_key.err
    assert key in wrong_key.err
    if command[0] != "functions":
        assert "requires a key (status 401)" in without_key.err
        assert "does not accept the key (status 401)" in wrong_key.err


def test_the_key_in_a_link_is_sent_as_a_header(recorded_host: RecordedHost) -> None:
    links = recorded_host.play("start/response", at=0)
    recorded_host.play("start/response", at=1)
    for link in links.values():
        if link.startswith("http"):
            called = call("get-runtime-status", *ID, "--show-output", "--json", "--url", link)
            assert called.json["output"] == "World"
            assert SYSTEM_KEY not in called.out + called.err
            assert recorded_host.requests[-1].query.keys() == {"taskHub", "connection", "showInput"}
            assert recorded_host.requests[-1].headers["x-functions-key"] == SYSTEM_KEY


# -- one instance --------------------------------------------------------------------------------


def test_an_instance_is_started(recorded_host: RecordedHost) -> None:
    recorded_host.play("api/start", at=0)
    called = call_recorded(
        recorded_host, "start-new", "--function-name", "Hello", *ID, "--input", '{"k": 1.0}'
    )
    assert called.out == "Started 'Hello' as instance 'order-7'.\n"
    assert "requires its master key to list functions (status 403)" in called.err
    assert recorded_host.requests[-1][4] == '{"k": 1.0}'
    recorded_host.play("api/start", "no id, empty body")
    started = call_recorded(recorded_host, "start-new", "--function-name", "Hello", "--json").json
    assert started["id"] == NEW_ID
    assert started["statusQueryGetUri"].startswith(
        f"{recorded_host.url}{MANAGEMENT}/instances/{NEW_ID}?"
    )
    recorded_host.play("api/start", "id with #")
    assert (
        call_recorded(recorded_host, "start-new", "--function-name", "Hello", "--id", "bad#id").code
        == 0
    )


def test_an_unknown_orchestrator_is_reported(recorded_host: RecordedHost) -> None:
    binding = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
    recorded_host.respond(
        "GET", "/admin/functions", 200, [{"name": "Hello", "config": {"bindings": [binding]}}]
    )
    refused = call_recorded(recorded_host, "start-new", "--function-name", "Helo", code=MASTER_KEY)
    assert refused.code == 3
    assert "has no orchestrator 'Helo'. Did you mean 'Hello'?" in refused.err
    recorded_host.respond("GET", "/admin/host/status", 200, {"state": "Running"})
    recorded_host.respond("GET", "/admin/functions/Hello/status", 200, {})
    listed = call_recorded(recorded_host, "functions", "list", "--json", code=MASTER_KEY).json
    assert [(f["name"], f["trigger"], f["problem"]) for f in listed] == [
        ("Hello", "orchestrationTrigger", None)
    ]
    # Without the master key, the command cannot check the name, and the host accepts any name.
    recorded_host.play("api/start", "unknown function")
    assert (
        call_recorded(recorded_host, "start-new", "--function-name", "NoSuchOrchestrator").code == 0
    )


def test_the_route_of_a_function_is_printed_as_written(recorded_host: RecordedHost) -> None:
    """The Azure Functions host lists routes in lower case."""
    triggers = {
        "Start": {"type": "httpTrigger", "route": "Orders/{functionName}"},
        "Plain": {"type": "httpTrigger"},
        "Setting": {"type": "httpTrigger", "route": "%ROUTE%"},
        "Nightly": {"type": "timerTrigger", "schedule": "0 0 3 * * *"},
    }
    paths = {"Start": "orders/{functionname}", "Plain": "plain", "Setting": "resolved"}
    functions = [
        {
            "name": name,
            "config": {"bindings": [{"name": "x", "direction": "in", **trigger}]},
            "invoke_url_template": f"http://host/api/{paths[name]}" if name in paths else None,
        }
        for name, trigger in triggers.items()
    ]
    recorded_host.respond("GET", "/admin/host/status", 200, {"state": "Running"})
    recorded_host.respond("GET", "/admin/functions", 200, functions)
    for name in triggers:
        recorded_host.respond("GET", f"/admin/functions/{name}/status", 200, {})
    listed = call_recorded(recorded_host, "functions", "list", "--json", code=MASTER_KEY).json
    assert {f["name"]: f["url"] or f["schedule"] for f in listed} == {
        "Start": "http://host/api/Orders/{functionName}",
        "Plain": "http://host/api/Plain",
        "Setting": "http://host/api/resolved",
        "Nightly": "0 0 3 * * *",
    }


def test_a_broken_app_and_a_failed_reload_are_printed(recorded_host: RecordedHost) -> None:
    function = {
        "name": "Gone",
        "type": "",
        "durableName": "Gone",
        "disabled": False,
        "problem": "it has no function.json",
        "route": None,
        "methods": [],
        "schedule": None,
    }
    report = {
        "failedReload": {"text": "The reload failed: line 7"},
        "problem": "no module named 'x'",
        "functions": [function],
    }
    recorded_host.respond("GET", "/admin/host/status", 200, {"embeddedHost": report})
    called = call_recorded(recorded_host, "functions", "list", code=MASTER_KEY)
    assert called.code == 0
    assert "The reload failed: line 7\n" in called.err
    assert "The app cannot be served: no module named 'x' [EH310]\n" in called.err
    assert "it has no function.json" in called.out


def test_an_id_in_use_is_reported(recorded_host: RecordedHost) -> None:
    text = "An Orchestration instance with the status Running already exists."
    recorded_host.respond("POST", "/orchestrators/Hello/order-7", 409, {"Message": text})
    called = call_recorded(recorded_host, "start-new", "--function-name", "Hello", *ID)
    assert called.code == 4
    assert f"An instance 'order-7' exists and has not finished: {text}" in called.err


STATUSES = [
    ("start/running-202", "running", "Running"),
    ("start/running-202", "completed", "Completed"),
    ("life/suspend-resume", "suspended", "Suspended"),
    ("life/terminate-no-reason", "terminated", "Terminated"),
    ("orch/ActFail", "final status", "Failed"),
]


@pytest.mark.parametrize(("case", "label", "status"), STATUSES)
def test_a_recorded_status_is_shown(
    recorded_host: RecordedHost, case: str, label: str, status: str
) -> None:
    body = recorded_host.play(case, label)
    status_shown = call_recorded(
        recorded_host, "get-runtime-status", *ID, "--show-input", "--show-output", "--json"
    ).json
    assert (status_shown, status_shown["runtimeStatus"]) == (body, status)
    brief = call_recorded(recorded_host, "get-runtime-status", *ID, "--json").json
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
    (["resume", "--reason", "fixed"], "life/suspend-resume", "resume", "Resuming"),
    (["rewind", "--reason", "fix"], "life/rewind-failed", "rewind", "Rewinding"),
    (["purge-history"], "life/purge", "purge", "Deleted 1 instance."),
]


@pytest.mark.parametrize(("command", "case", "label", "output"), OPERATIONS)
def test_an_operation_sends_its_request(
    recorded_host: RecordedHost, command: list[str], case: str, label: str, output: str
) -> None:
    recorded_host.play(case, label)
    called = call_recorded(recorded_host, *command, *ID)
    assert (called.code, called.out.startswith(output)) == (0, True), called
    if "--reason" in command:
        assert recorded_host.requests[-1].query["reason"] == command[-1]
    if command[0] == "raise-event":
        assert recorded_host.requests[-1][4] == '"yes"'


@pytest.mark.parametrize(("command", "case", "label", "output"), OPERATIONS)
def test_an_operation_on_an_unknown_instance_is_not_found(
    recorded_host: RecordedHost, command: list[str], case: str, label: str, output: str
) -> None:
    for at in range(len(GOLDEN["api/missing-instance"])):
        recorded_host.play("api/missing-instance", at=at)
    recorded_host.respond("POST", "/instances/order-7/raiseEvent/Approval", 404)
    recorded_host.play("api/list", "empty page")
    called = call_recorded(recorded_host, *command, *ID)
    assert called.code == 3, called
    assert f"There is no instance 'order-7' at {recorded_host.url}." in called.err


@pytest.mark.parametrize("command", [command for command, *_ in OPERATIONS[:4]])
def test_an_operation_on_a_finished_instance_is_not_allowed(
    recorded_host: RecordedHost, command: list[str]
) -> None:
    for operation in ("raise", "terminate", "suspend", "resume"):
        recorded_host.play("start/running-202", f"{operation} after completion")
    recorded_host.play("start/running-202", "completed")
    called = call_recorded(recorded_host, *command, *ID)
    assert called.code == 4, called
    assert "The instance 'order-7' has finished: Completed." in called.err


def test_a_refusal_by_status_is_reported(recorded_host: RecordedHost) -> None:
    recorded_host.play("start/running-202", "rewind completed")
    recorded_host.play("life/suspend-resume", "suspend twice")
    recorded_host.play("life/purge", "purge a running one")
    message = (
        "Cannot resume the orchestration instance order-7 because instance is in the Running state."
    )
    summary = "Something went wrong while processing your request"
    recorded_host.respond(
        "POST", "/instances/order-7/resume", 500, {"Message": summary, "ExceptionMessage": message}
    )
    exists = {
        "Message": "A non-terminal instance with this instance ID already exists.",
        "ExceptionMessage": "An Orchestration instance with the status Running already exists.",
    }
    recorded_host.respond("POST", "/instances/order-7/restart", 409, exists)
    for command, problem in (
        (
            ["rewind"],
            'status Completed, but only orchestrations in the "Failed" state can be rewound.',
        ),
        (
            ["suspend"],
            "Cannot suspend the orchestration instance order-7 because instance is in the "
            "Suspended state.",
        ),
        (["resume"], message),
        (["purge-history"], "Only orchestrations in a terminal state can be purged"),
        (
            ["restart", "--same-id"],
            "An Orchestration instance with the status Running already exists.",
        ),
    ):
        called = call_recorded(recorded_host, *command, *ID)
        assert (called.code, called.out) == (4, ""), called
        assert problem in called.err


def test_an_instance_is_restarted(recorded_host: RecordedHost) -> None:
    recorded_host.play("life/restart", "restart")
    assert (
        call_recorded(recorded_host, "restart", *ID).out
        == f"Restarted 'order-7' as instance '{NEW_ID}'.\n"
    )
    assert recorded_host.requests[-1].query["restartWithNewInstanceId"] == "true"
    recorded_host.play("life/restart", "restart in place")
    in_place = [call_recorded(recorded_host, "restart", *ID, "--same-id") for _ in range(2)][-1]
    assert in_place.out == "Restarted 'order-7' as instance 'order-7'.\n"
    recorded_host.play("api/missing-instance", at=6, id="nowhere")
    recorded_host.play("api/missing-instance", at=0, id="nowhere")
    recorded_host.play("api/list", "empty page")
    missing = call_recorded(recorded_host, "restart", "--id", "nowhere")
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
    recorded_host: RecordedHost, command: tuple[str, ...]
) -> None:
    recorded_host.play("api/missing-instance", at=0)
    recorded_host.play("api/list", "empty page")
    called = call_recorded(recorded_host, *command, *ID)
    assert (called.code, called.out) == (3, "")
    assert f"There is no instance 'order-7' at {recorded_host.url}." in called.err


# -- histories -------------------------------------------------------------------------------------


WITH_HISTORY = [
    case for case, steps in GOLDEN.items() if steps[-1]["request"].endswith("| with history")
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return probe_app(tmp_path_factory.mktemp("probe") / "app").root


@pytest.mark.parametrize("case", WITH_HISTORY)
def test_a_recorded_history_is_shown(
    recorded_host: RecordedHost, case: str, tmp_path: Path, probe: Path
) -> None:
    status = recorded_host.play(case, "with history")
    assert (
        call_recorded(recorded_host, "get-history", *ID, "--json").json == status["historyEvents"]
    )
    assert recorded_host.requests[-1].query == {
        "showInput": "true",
        "showHistory": "true",
        "showHistoryOutput": "true",
        "showRetries": "true",
    }
    table = call_recorded(recorded_host, "get-history", *ID).out.splitlines()
    assert len(table) == 1 + len(status["historyEvents"])
    bars = call_recorded(recorded_host, "timeline", *ID, "--json").json["bars"]
    assert (bars[0]["name"], bars[0]["outcome"]) == (status["name"], status["runtimeStatus"])
    ends = ("Completed", "Failed")
    settled = [
        e for e in status["historyEvents"] if e["EventType"].endswith(ends) and "ScheduledTime" in e
    ]
    assert [b["name"] for b in bars if b["kind"] in ("activity", "subOrchestration")] == [
        e["FunctionName"] for e in sorted(settled, key=lambda e: str(e["ScheduledTime"]))
    ]
    diagnosed = call_recorded(recorded_host, "diagnose", *ID, "--json").json
    assert (diagnosed["source"], diagnosed["waitsFor"]) == ("history", [])
    if status["runtimeStatus"] not in ("Completed", "Failed"):
        return
    state = tmp_path / "state"
    exported = call_recorded(recorded_host, "export", *ID)
    assert exported.json["status"] == status
    assert call("import", "-", "--state", state, stdin=exported.out).code == 0
    assert call("get-history", *ID, "--json", "--state", state).json == status["historyEvents"]
    imported = call(
        "get-runtime-status", *ID, "--show-input", "--show-output", "--json", "--state", state
    ).json
    assert imported == {key: value for key, value in status.items() if key != "historyEvents"}
    with DurableApp(probe) as app:
        replayed = app.replay(status)
        assert replayed.steps >= len(settled)
        assert app.replay(exported.json) == replayed


def test_the_azure_functions_host_has_no_tree(recorded_host: RecordedHost) -> None:
    recorded_host.respond("GET", "/dashboard/api/instances/order-7/tree", 404)
    recorded_host.respond("GET", "/instances/order-7", 202, {"runtimeStatus": "Running"})
    called = call_recorded(recorded_host, "tree", *ID)
    assert called.code == 1
    assert "is not an embedded host" in called.err
    assert "[EH509]" in called.err


def test_a_tree_of_another_task_hub_is_refused(recorded_host: RecordedHost) -> None:
    error = {"error": "This dashboard has the task hub 'A' only, not 'B'. [EH338]"}
    recorded_host.respond("GET", "/dashboard/api/instances/order-7/tree", 404, error)
    recorded_host.respond("GET", "/instances/order-7", 202, {"runtimeStatus": "Running"})
    called = call_recorded(recorded_host, "tree", *ID, "--task-hub-name", "B")
    assert called.code == 1
    assert "--state and --task-hub-name. [EH338]" in called.err


def test_a_waiting_instance_is_diagnosed_from_its_history(recorded_host: RecordedHost) -> None:
    status = {
        **recorded_host.play("start/running-202", "running"),
        "historyEvents": [
            {"EventType": "ExecutionStarted", "Timestamp": "2026-11-25T09:30:00Z", "Input": '"{}"'}
        ],
    }
    recorded_host.respond("GET", "/instances/order-7", 202, status)
    call_recorded(recorded_host, "get-runtime-status", *ID)
    called = call_recorded(recorded_host, "diagnose", *ID)
    assert called.out.startswith(
        "WaitEvent 'order-7' is Running.\nIt has had no open calls or timers since "
    )
    assert "It waits for an external event or for its next turn." in called.out
    assert "a function that does not exist" in called.out, (
        "the Azure Functions host retries such a call forever"
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
    recorded_host: RecordedHost, path: str, items: list[dict[str, Any]], token: str | None
) -> None:
    recorded_host.respond(
        "GET", path, 200, items, **({"x-ms-continuation-token": token} if token else {})
    )


def test_pages_are_joined_up_to_the_limit(recorded_host: RecordedHost) -> None:
    page(recorded_host, "/instances", [item("a"), item("b")], "first")
    page(recorded_host, "/instances", [], "second")
    page(recorded_host, "/instances", [item("c")], "third")
    page(recorded_host, "/instances", [item("d")], None)
    listed = call_recorded(recorded_host, "get-instances", "--top", 3, "--json").json
    assert [item["instanceId"] for item in listed["instances"]] == ["a", "b", "c"]
    assert listed["continuationToken"] == "third"
    requested = [
        (query["top"], headers.get("x-ms-continuation-token"))
        for _, _, query, headers, _ in recorded_host.requests
    ]
    assert requested == [("3", None), ("1", "first"), ("1", "second")]
    rest = call_recorded(
        recorded_host, "get-instances", "--top", 3, "--continuation-token", "third", "--json"
    ).json
    assert ([item["instanceId"] for item in rest["instances"]], rest["continuationToken"]) == (
        ["d"],
        None,
    )
    assert recorded_host.requests[-1].headers["x-ms-continuation-token"] == "third"


def test_an_empty_list_and_an_empty_purge_succeed(recorded_host: RecordedHost) -> None:
    recorded_host.play("api/list", "empty page")
    called = call_recorded(recorded_host, "get-instances", "--prefix", "nosuchprefix")
    assert (called.code, called.out) == (0, "")
    assert called.err.endswith("There are no instances.\n")
    recorded_host.play("api/purge-many", "nothing in range")
    purged = call_recorded(
        recorded_host, "purge-history", "--created-before", "2001-01-02", "--json"
    )
    assert purged.json == {"instancesDeleted": 0}
    assert recorded_host.requests[-2].query["createdTimeFrom"] == "1970-01-01T00:00:00Z"


def test_entities_are_listed_and_read(recorded_host: RecordedHost) -> None:
    counter = ("--name", "Counter", "--key", "visits")
    recorded_host.play("api/entities", "missing entity")
    recorded_host.play("api/list", "empty page")
    missing = call_recorded(recorded_host, "entities", "get", *counter)
    assert missing.code == 3
    assert (
        f"There is no entity 'Counter' with the key 'visits' at {recorded_host.url}." in missing.err
    )
    recorded_host.play("api/entities", "signal")
    assert (
        call_recorded(
            recorded_host, "entities", "signal", *counter, "--operation", "add", "--input", "7"
        ).code
        == 0
    )
    assert recorded_host.requests[-1].query["op"] == "add"
    assert (recorded_host.requests[-1].headers["content-type"], recorded_host.requests[-1][4]) == (
        "application/json",
        '"7"',
    )
    recorded_host.play("api/entities", "state")
    assert [call_recorded(recorded_host, "entities", "get", *counter).out for _ in range(2)][
        -1
    ] == "null\n"
    recorded_host.play("api/entities", "unknown entity")
    unknown = call_recorded(
        recorded_host,
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
    page(recorded_host, "/entities", listed, None)
    assert call_recorded(recorded_host, "entities", "list", "--json").json == {
        "entities": listed,
        "continuationToken": None,
    }
    # The Azure Functions host does not check ids that start with @, and deletes 0 entities.
    recorded_host.respond("DELETE", "/instances/@counter@visits", 200, {"instancesDeleted": 0})
    recorded_host.respond("DELETE", "/instances/@counter@visits", 200, {"instancesDeleted": 1})
    assert call_recorded(recorded_host, "entities", "delete", *counter).code == 3
    assert (
        call_recorded(recorded_host, "entities", "delete", *counter).out
        == "Deleted the entity 'Counter' with the key 'visits'.\n"
    )


def test_watch_exits_when_the_instance_has_finished(recorded_host: RecordedHost) -> None:
    recorded_host.play("start/running-202", "running")
    recorded_host.play("life/suspend-resume", "suspended")
    recorded_host.play("start/running-202", "completed")
    called = call_recorded(recorded_host, "watch", *ID, "--interval", "0.05", "--json")
    lines = [json.loads(line) for line in called.out.splitlines()]
    assert [line["runtimeStatus"] for line in lines] == ["Running", "Suspended", "Completed"]


# -- commands for state folders --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("delete-task-hub", "--yes"), "The management API cannot delete a task hub."),
        (("import", "-"), "The management API cannot import instances"),
        (("backup",), "This command uses the files of a state folder"),
        (("recover",), "This command uses the files of a state folder"),
        (("keys", "list"), "This command uses the files of a state folder"),
    ],
)
def test_operations_without_an_api_are_refused(
    recorded_host: RecordedHost, command: tuple[str, ...], problem: str
) -> None:
    called = call_recorded(recorded_host, *command, stdin="{}")
    assert (called.code, called.out, recorded_host.requests) == (2, "", [])
    assert problem in called.err
