from __future__ import annotations

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from embedded_host.cli.diagnose import from_history
from embedded_host.cli.reader import InstanceStatus
from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.history import LISTED
from embedded_host.management.status import history_events
from embedded_host.store.interface import AppendHistory, SaveInstance, SetAwaited
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import after, entity, instance, started, write_state
from tests.support.recorded_turns import recorded_history
from tests.support.running_host import RunningHost


@pytest.mark.process
def test_a_running_host_returns_its_own_diagnosis(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Event", None, uuid4().hex)
    host.until(links, "Running")
    document = call_host("diagnose", "--id", links["id"], "--json").json
    assert list(document) == ["instanceId", "runtimeStatus", "source", "waitsFor", "text"]
    assert (document["source"], document["waitsFor"][0]["name"]) == ("host", "Approval")
    text = call_host("diagnose", "--id", links["id"]).out
    assert text.startswith(
        f"Event '{links['id']}' is Running.\nIt waits for the external event 'Approval' since "
    )
    assert len(text.splitlines()) == 2, "each fact is stated once"


@pytest.mark.process
def test_a_failed_instance_has_its_error(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Raising", None, uuid4().hex)
    host.end(links)
    text = call_host("diagnose", "--id", links["id"]).out
    assert "is Failed." in text
    assert "blew up" in text
    for command in ("diagnose", "get-runtime-status", "get-history"):
        text = call_host(command, "--id", links["id"]).out
        assert re.search(r'File ".*\.py", line \d+', text), command


def test_a_state_file_is_diagnosed_from_its_history(state: Path) -> None:
    document = call("diagnose", "--id", "c", "--state", state, "--json").json
    assert document["source"] == "state"
    assert document["waitsFor"] == [
        {"kind": "activity", "since": "2026-01-02T03:04:06Z", "name": "Ship", "taskId": 0}
    ]
    assert "the activity 'Ship' since 2026-01-02T03:04:06Z" in document["text"]
    assert "it broke" in call("diagnose", "--id", "b", "--state", state).out


@pytest.mark.parametrize("command", ["diagnose", "get-runtime-status", "get-history"])
def test_a_state_file_has_the_traceback_of_a_failed_instance(tmp_path: Path, command: str) -> None:
    stack = (
        'Traceback (most recent call last):\n  File "orders.py", line 7, in run\nValueError: x\n'
    )
    end = h.execution_completed(after(1), 0, "Failed", "failed: x", stack)
    history = AppendHistory(1, 0, (started("b"), end))
    write_state(tmp_path, instance(1, "b", "Failed", "failed: x"), history)
    assert stack in call(command, "--id", "b", "--state", tmp_path).out


@pytest.fixture
def tree_state(tmp_path: Path) -> Path:
    """Return a state folder with a tree of three instances and an entity."""
    leaf = [started("e:0"), h.event_raised(after(2), "Apprval", "1")]
    return write_state(
        tmp_path,
        instance(1, "a", "Running", None),
        AppendHistory(1, 0, (started("a"), h.sub_orchestration_created(T1, 0, "Sub", "a:b", None))),
        instance(2, "a:b", "Running", None),
        AppendHistory(2, 0, (started("a:b"), h.sub_orchestration_created(T1, 0, "S", "e:0", None))),
        instance(3, "e:0", "Running", None),
        AppendHistory(3, 0, tuple(leaf)),
        SetAwaited(3, [("event", "Approval"), ("undelivered", "Apprval")]),
        *entity(4, "counter", "visits", "5"),
    )


T1 = after(1)
UNDELIVERED = (
    "The event 'Apprval' was received at 2026-01-02T03:04:07Z, but nothing waits for it. "
    "Did you mean 'Approval'?"
)


def test_the_diagnosis_of_a_state_file_reaches_the_leaf(tree_state: Path) -> None:
    text = call("diagnose", "--id", "a", "--state", tree_state).out
    assert text.splitlines() == [
        "Order 'a' is Running.",
        "It waits for the sub-orchestration 'Sub' with the id 'a:b' (Running) since "
        "2026-01-02T03:04:06Z.",
        "Root cause: a > b > :0 waits for the external event 'Approval' since "
        f"2026-01-02T03:04:07Z. {UNDELIVERED}",
        "Its id: e:0",
    ]
    document = call("diagnose", "--id", "a", "--state", tree_state, "--json").json
    assert document["rootCause"]["instanceIds"] == ["a", "a:b", "e:0"]
    lines = call("diagnose", "--id", "e:0", "--state", tree_state).out.splitlines()
    assert lines[2:] == [UNDELIVERED]


def test_an_entity_is_diagnosed_by_its_queue(tree_state: Path) -> None:
    text = call("diagnose", "--id", "@counter@visits", "--state", tree_state).out
    assert text == "Entity '@counter@visits'\nIt is idle: no operation is queued.\n"


def test_waits_over_the_limit_of_the_text_are_listed_below(tmp_path: Path) -> None:
    calls = [h.task_scheduled(T1, number, f"Ship{number}") for number in range(LISTED + 2)]
    history = AppendHistory(1, 0, (started("a"), *calls))
    write_state(tmp_path, instance(1, "a", "Running", None), history)
    lines = call("diagnose", "--id", "a", "--state", tmp_path).out.splitlines()
    assert lines[1].endswith("; and 2 more.")
    assert [line.split("'")[1] for line in lines[2:]] == [f"Ship{LISTED}", f"Ship{LISTED + 1}"]


HOST_JSON = '{"version": "2.0"}'


@pytest.mark.process
def test_a_state_file_of_another_sdk_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    own = int(metadata.version("azure-functions-durable")[0])
    state = tmp_path / "state"
    state.mkdir()
    row = replace(instance(1, "b", "Running", None).row, protocol=3 - own)
    write_state(state, SaveInstance(row), AppendHistory(1, 0, (started("b"),)))
    options = ("--id", "b", "--state", state, "--script-root", tmp_path)
    assert "EH411" not in call("diagnose", *options).out  # the folder has no app
    (tmp_path / "host.json").write_text(HOST_JSON, encoding="utf-8")
    text = f"version {3 - own}.x of azure-functions-durable, and the app now uses {own}.x"
    assert text in call("diagnose", *options).out


def diagnosis(
    events: list[HistoryEvent], runtime_status: str = "Running", output: object = None
) -> dict[str, object]:
    api_events = history_events(events, show_output=True, show_input=True)
    status = InstanceStatus(
        {
            "name": "Order",
            "instanceId": "o-1",
            "lastUpdatedTime": "2026-01-02T03:04:05Z",
            "output": output,
            "runtimeStatus": runtime_status,
            "historyEvents": api_events,
        }
    )
    return from_history(status).document()


def request(id: str, *, signal: bool) -> str:
    return request_message(request_id=id, operation="add", input="1", signal=signal, now=after(1))


def test_open_calls_of_a_history_are_listed() -> None:
    document = diagnosis(
        [
            started(),
            h.task_scheduled(after(1), 0, "Done"),
            h.task_completed(after(2), 0, "1"),
            h.timer_created(after(1), 1, after(2)),
            h.timer_fired(after(1), 1, after(2)),
            h.timer_created(after(3), 2, after(9)),
            h.sub_orchestration_created(after(3), 3, "Child", "c", None),
            h.event_sent(after(4), 4, "@counter@k", "op", request("completed", signal=False)),
            h.event_raised(after(5), "completed", "{}"),
            h.event_sent(after(4), 5, "@counter@k", "op", request("signalled", signal=True)),
            h.event_sent(after(4), 6, "@counter@k", "op", request("open", signal=False)),
        ]
    )
    assert document["waitsFor"] == [
        {"kind": "timer", "since": "2026-01-02T03:04:08Z", "due": "2026-01-02T03:04:14Z"},
        {
            "kind": "subOrchestration",
            "since": "2026-01-02T03:04:08Z",
            "name": "Child",
            "instanceId": "c",
        },
        {
            "kind": "entity",
            "since": "2026-01-02T03:04:09Z",
            "instanceId": "@counter@k",
            "operation": "add",
        },
    ]


def test_an_open_lock_request_of_a_history_is_listed() -> None:
    document: dict[str, Any] = diagnosis(recorded_history("NativeLock")[:4])
    ids = [f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab"]
    [wait] = document["waitsFor"]
    assert (wait["kind"], wait["entityIds"]) == ("lock", ids)
    assert f"It waits for the locks of the entities '{ids[0]}', '{ids[1]}'" in document["text"]


def test_an_open_attempt_of_sdk_2x_is_listed_once() -> None:
    document: dict[str, Any] = diagnosis(recorded_history("NativeRetry")[:-1])
    waits = document["waitsFor"]
    assert [(wait["kind"], wait["name"]) for wait in waits] == [("activity", "Flaky")]


@pytest.mark.parametrize(
    ("runtime_status", "output", "text"),
    [
        (
            "Running",
            None,
            "It has had no open calls or timers since 2026-01-02T03:04:05Z. It waits for an",
        ),
        ("Pending", None, "It has not started yet"),
        ("Suspended", "lunch", "(lunch). Resume it"),
        ("Completed", 1, "It has finished: Completed."),
    ],
)
def test_the_diagnosis_of_a_history_without_open_calls_lists_possible_reasons(
    runtime_status: str, output: object, text: str
) -> None:
    document = diagnosis([started()], runtime_status, output)
    assert document["waitsFor"] == []
    assert text in str(document["text"])
