"""Tests of every durable feature with SDK 2.x, in both of its styles and with all its clients."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost
from tests.support.sdk2 import NEEDS_SDK_2

pytestmark = NEEDS_SDK_2


def call(host: RunningHost, name: str, client: str = "client", /, **given: Any) -> Any:
    """Call a method of the SDK's client in a function, and return its result."""
    reply = host.post(f"/api/{client}/{name}", given)
    assert reply.status == 200, (name, reply.text, host.log[-3000:])
    return reply.json["result"]


def error(host: RunningHost, name: str, client: str = "client", /, **given: Any) -> tuple[str, str]:
    """Call a method that raises, and return the gRPC status code and the message."""
    reply = host.post(f"/api/{client}/{name}", given)
    assert reply.status == 418, (name, reply.text)
    return reply.json["code"] or reply.json["error"], reply.json["message"]


def entity(host: RunningHost, key: str, name: str = "counter") -> Any:
    found = call(host, "get_entity", entity=name, key=key)
    return found and found["state"]


def failure(host: RunningHost, name: str, input: object = None) -> dict[str, Any]:
    """Run an orchestration that fails, and return the failure in its history."""
    links = host.start(name, input)
    status = host.end(links)
    assert status["runtimeStatus"] == "Failed"
    assert call(host, "get_orchestration_state", id=links["id"])["output"] == status["output"]
    details: dict[str, Any] = call(host, "failure", id=links["id"])
    return details


def kinds(host: RunningHost, id: str) -> list[str]:
    return [event[0] for event in call(host, "get_orchestration_history", id=id)]


def status_of(host: RunningHost, id: str) -> str | None:
    state = call(host, "get_orchestration_state", id=id)
    return str(state["status"]) if state else None


def has_status(host: RunningHost, id: str, status: str) -> bool:
    return status_of(host, id) == status


# -- activities ------------------------------------------------------------------------------------


def test_a_chain_passes_each_result_to_the_next_activity(features2: RunningHost) -> None:
    assert features2.run("chain") == ["echo!", "echo_async!", "<echo in brackets!>"]


def test_a_fan_out_collects_all_results(features2: RunningHost) -> None:
    assert features2.run("fan_out", 30) == list(range(30))


def test_when_any_returns_the_first_completed_task(features2: RunningHost) -> None:
    assert features2.run("first_of") == [1, 0.01]


def test_the_context_may_have_the_name_context(features2: RunningHost) -> None:
    data = {"a": [1, None, "ü"]}
    assert features2.run("named_context", data) == data


def test_objects_are_converted_with_their_own_methods(features2: RunningHost) -> None:
    assert features2.run("points") == ["Point", 2, 1]


def test_large_payloads_are_kept_in_the_store_of_the_app(
    features2: RunningHost, features_folder: Path
) -> None:
    links = features2.start("large", 150_000)
    assert features2.end(links)["runtimeStatus"] == "Completed"
    state = call(features2, "get_orchestration_state", id=links["id"])
    assert state["output"] == "x" * 150_000
    assert any((features_folder / "payloads").iterdir())
    assert len(json.dumps(features2.status(links, showHistory="true"))) < 20_000


def test_a_message_may_have_more_than_4_mb(features2: RunningHost) -> None:
    id = call(features2, "schedule_new_orchestration", name="named_context", input="y" * 90_000)
    text = features2.end({"statusQueryGetUri": f"{MANAGEMENT}/instances/{id}"})["output"]
    assert len(text) == 90_000
    links = features2.start("fan_out", 1500)
    assert features2.end(links)["runtimeStatus"] == "Completed"
    assert kinds(features2, links["id"]).count("TaskCompleted") == 1500


def test_an_activity_with_a_client_starts_an_orchestration(features2: RunningHost) -> None:
    id = call(features2, "schedule_new_orchestration", name="starts_from_activity")
    done = call(features2, "wait_for_orchestration_completion", id=id, timeout=20)
    child = call(features2, "wait_for_orchestration_completion", id=done["output"], timeout=20)
    assert child["output"] == "from an activity"


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_activity_is_the_inner_failure_of_its_orchestrator(features2: RunningHost) -> None:
    details = failure(features2, "failing")
    assert details["type"] == "durabletask.task.TaskFailedError"
    assert details["message"].endswith(": Activity task #1 failed: activity failed: boom")
    inner = {"type": "ValueError", "message": "activity failed: boom", "inner": None}
    assert details["inner"] == inner
    assert "activity failed: boom" in features2.log


def test_the_failure_of_a_sub_orchestration_has_the_failures_below_it(
    features2: RunningHost,
) -> None:
    outer = failure(features2, "parent_of_failing")
    assert outer["message"].startswith("Sub-orchestration task #1 failed: ")
    child = outer["inner"]
    assert child["message"].endswith(": Activity task #1 failed: activity failed: boom")
    assert child["type"] == "durabletask.task.TaskFailedError"


def test_an_exception_of_an_orchestrator_is_its_failure(features2: RunningHost) -> None:
    assert failure(features2, "raising") == {
        "type": "builtins.KeyError",
        "message": "'missing'",
        "inner": None,
    }


def test_an_orchestrator_can_catch_failures(features2: RunningHost) -> None:
    activity, child, missing = features2.run("catching")
    assert (activity["type"], activity["message"]) == ("ValueError", "activity failed: boom")
    assert activity["is ValueError"]
    assert activity["has stack"]
    assert child["type"] == "durabletask.task.TaskFailedError"
    assert "activity failed: boom" in child["message"]
    assert "no_such_activity" in missing["message"]
    assert "echo" in missing["message"], "the known activities are named"


def test_a_fan_out_fails_with_its_failed_call(features2: RunningHost) -> None:
    assert "one of two" in failure(features2, "fan_out_with_failure")["message"]


@pytest.mark.parametrize(
    "name", ["retrying", "retrying_child", "old_retrying", "old_retrying_child"]
)
def test_a_call_is_retried_until_it_succeeds(
    features2: RunningHost, tmp_path: Path, name: str
) -> None:
    attempts = tmp_path / "attempts"
    assert features2.run(name, str(attempts)) == "attempt 3"
    assert attempts.read_text() == "xxx"


def test_an_activity_fails_after_its_last_attempt(features2: RunningHost, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    assert "attempt 2" in failure(features2, "retrying_in_vain", str(attempts))["message"]
    assert attempts.read_text() == "xx"


def test_changed_code_is_a_non_determinism_error(features2: RunningHost) -> None:
    details = failure(features2, "changes_its_calls")
    assert details["type"] == "durabletask.task.NonDeterminismError"


def test_an_unknown_orchestrator_fails_its_instance(features2: RunningHost) -> None:
    status = features2.end(features2.start("no_such_orchestrator"))
    assert status["runtimeStatus"] == "Failed"
    assert "The function 'no_such_orchestrator' doesn't exist" in str(status["output"])
    assert "BuiltIn__Http" not in str(status["output"])


# -- sub-orchestrations ----------------------------------------------------------------------------


def test_a_sub_orchestration_returns_its_output_to_its_parent(features2: RunningHost) -> None:
    links = features2.start("parent")
    named, *others = features2.end(links)["output"]
    id = links["id"]
    assert named == {"n": 21, "id": f"{id}-child", "parent": id}
    assert [other["n"] for other in others] == [2, 3]
    assert [other["id"] for other in others] == [f"{id}:0002", f"{id}:0003"]


def test_termination_reaches_all_descendants(features2: RunningHost) -> None:
    links = features2.start("parent_of_waiting", 2)
    id = links["id"]
    ids = [id, f"{id}-c", f"{id}-c-c"]
    for one in ids:
        eventually(partial(has_status, features2, one, "RUNNING"), f"{one} runs")
    call(features2, "terminate_orchestration", id=id, output={"why": "enough"})
    for one in ids:
        state = call(features2, "wait_for_orchestration_completion", id=one, timeout=20)
        assert state["status"] == "TERMINATED"
    assert call(features2, "get_orchestration_state", id=id)["output"] == {"why": "enough"}
    assert call(features2, "purge_orchestration", id=id) == 3
    assert [status_of(features2, one) for one in ids] == [None, None, None]


def test_termination_can_spare_the_descendants(features2: RunningHost) -> None:
    links = features2.start("parent_of_waiting", 1)
    child = f"{links['id']}-c"
    eventually(lambda: status_of(features2, child) == "RUNNING", "the child runs")
    call(features2, "terminate_orchestration", id=links["id"], recursive=False)
    assert features2.end(links)["runtimeStatus"] == "Terminated"
    assert status_of(features2, child) == "RUNNING"
    assert call(features2, "purge_orchestration", id=links["id"], recursive=False) == 1
    assert status_of(features2, child) == "RUNNING"
    call(features2, "terminate_orchestration", id=child)


# -- timers and events -----------------------------------------------------------------------------


def test_timers_take_a_duration_or_a_time(features2: RunningHost) -> None:
    began = time.monotonic()
    assert features2.run("timer", 0.3) >= 0.6
    assert time.monotonic() - began >= 0.6


def test_a_raised_event_completes_its_wait(features2: RunningHost) -> None:
    links = features2.start("event")
    features2.until(links, "Running")
    data = {"by": ["Ada", None]}
    call(features2, "raise_orchestration_event", id=links["id"], event_name="approval", data=data)
    assert features2.end(links)["output"] == data


def test_events_before_their_waits_keep_their_order(features2: RunningHost) -> None:
    links = features2.start("events", 3)
    for number in range(3):
        assert features2.raise_event(links, "E", number).status == 202
    assert features2.end(links)["output"] == [0, 1, 2]


@pytest.mark.parametrize("name", ["event_or_timeout", "old_event_or_timeout"])
def test_an_event_and_a_timer_race(features2: RunningHost, name: str) -> None:
    links = features2.start(name, 60)
    features2.raise_event(links, "Approval", "yes")
    assert features2.end(links, 5)["output"] == "yes"
    assert features2.run(name, 0.1) == "timed out"


def test_an_orchestrator_sends_an_event_to_another_one(features2: RunningHost) -> None:
    waiting = features2.start("event")
    features2.until(waiting, "Running")
    sending = features2.start("sends_event", waiting["id"])
    assert features2.end(waiting)["output"] == {"from": sending["id"]}
    assert features2.end(sending)["output"] == "sent"


# -- generations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["count_to", "old_count_to"])
def test_continue_as_new_restarts_the_orchestrator_with_its_input(
    features2: RunningHost, name: str
) -> None:
    links = features2.start(name, [0, 12])
    status = features2.end(links)
    assert status["output"] == 12
    assert kinds(features2, links["id"]).count("TaskScheduled") == 1


def test_continue_as_new_carries_events(features2: RunningHost) -> None:
    links = features2.start("carried_events")
    for number in range(3):
        features2.raise_event(links, "E", number)
    assert features2.end(links)["output"] == [0, 1, 2]


def test_continue_as_new_drops_events_without_save_events(features2: RunningHost) -> None:
    links = features2.start("dropped_events")
    features2.raise_event(links, "E", "first")
    features2.raise_event(links, "E", "while the first generation runs")
    eventually(lambda: features2.status(links)["input"] in (1, "1"), "the second generation runs")
    features2.raise_event(links, "E", "for the second generation")
    assert features2.end(links)["output"] == "for the second generation"


# -- status, versions, tags ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["custom_status", "old_custom_status"])
def test_the_custom_status_is_visible_while_the_instance_runs(
    features2: RunningHost, name: str
) -> None:
    links = features2.start(name)
    eventually(
        lambda: features2.status(links)["customStatus"] == {"step": 1}, "the custom status is set"
    )
    features2.raise_event(links, "go", None)
    expected = "done" if name == "custom_status" else {"step": 1}
    assert features2.end(links)["customStatus"] == expected


def test_orchestrators_see_their_versions(features2: RunningHost) -> None:
    id = call(features2, "schedule_new_orchestration", name="versions", version="1.2")
    mine, _, other = call(features2, "wait_for_orchestration_completion", id=id, timeout=20)[
        "output"
    ]
    assert (mine, other) == ("1.2", "7.1")


def test_the_next_generation_can_have_another_version(features2: RunningHost) -> None:
    assert features2.run("next_version") == "3.0"


def test_tags_are_in_the_history(features2: RunningHost) -> None:
    id = call(features2, "schedule_new_orchestration", name="tagged", tags={"team": "blue"})
    call(features2, "wait_for_orchestration_completion", id=id, timeout=20)
    events = {kind: tags for kind, _, tags in call(features2, "get_orchestration_history", id=id)}
    assert events["ExecutionStarted"] == {"team": "blue"}
    assert events["TaskScheduled"] == {"cost-center": "42"}


def test_ids_and_the_time_of_an_orchestrator_are_deterministic(features2: RunningHost) -> None:
    assert features2.run("deterministic") == [True, True, False]


# -- entities --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["counts", "old_counts"])
def test_entities_keep_their_state_between_calls(features2: RunningHost, name: str) -> None:
    assert features2.run(name) == 8


def test_a_function_is_an_entity(features2: RunningHost) -> None:
    assert features2.run("uses_function_entity") == [
        ["register", True],
        {"a": [1, None]},
        {"a": [1, None]},
        None,
    ]


def test_a_failed_operation_changes_nothing(features2: RunningHost) -> None:
    type_, message, after = features2.run("catches_entity_failure")
    assert "operation failed" in message
    assert type_
    assert after == 3
    assert "operation failed" in failure(features2, "fails_with_entity")["message"]


def test_locks_make_transfers_atomic(features2: RunningHost) -> None:
    keys = [uuid4().hex, uuid4().hex]
    for key in keys:
        call(features2, "signal_entity", entity="counter", key=key, operation="add", input=100)
        eventually(partial(entity, features2, key), "the account exists")
    first, second = features2.run("transfers", {"keys": keys, "count": 12})
    # Four of twelve transfers are in the opposite direction.
    assert (first, second) == (96, 104)


def test_a_failed_orchestration_releases_its_locks(features2: RunningHost) -> None:
    key = uuid4().hex
    assert failure(features2, "raises_in_lock", key)["type"] == "builtins.RuntimeError"
    assert features2.run("locks_and_counts", key) == 1


def test_a_terminated_orchestration_releases_its_locks(features2: RunningHost) -> None:
    key = uuid4().hex
    call(features2, "signal_entity", entity="counter", key=key, operation="set", input=1)
    eventually(lambda: entity(features2, key) == 1, "the entity exists")
    id = call(features2, "schedule_new_orchestration", name="waits_in_lock", input=key)
    eventually(
        lambda: (call(features2, "get_entity", entity="counter", key=key) or {}).get("locked by"),
        "the entity is locked",
    )
    links = features2.start("locks_and_counts", key)
    call(features2, "terminate_orchestration", id=id)
    call(features2, "wait_for_orchestration_completion", id=id, timeout=20)
    call(features2, "clean_entity_storage")
    assert features2.end(links)["output"] == 2


def test_entities_signal_entities_and_start_orchestrations(features2: RunningHost) -> None:
    first, second = uuid4().hex, uuid4().hex
    signal = {"entity": "Counter", "key": first}
    call(features2, "signal_entity", **signal, operation="forward", input=second)
    eventually(lambda: entity(features2, second) == 7, "the second entity has received the signal")
    call(features2, "signal_entity", **signal, operation="start", input=second)
    eventually(lambda: entity(features2, second) == 8, "the orchestration has run")


def test_delayed_signals_arrive_when_they_are_due(features2: RunningHost) -> None:
    key, other = uuid4().hex, uuid4().hex
    features2.run("signals_later", key)
    call(
        features2,
        "signal_entity",
        entity="counter",
        key=other,
        operation="add",
        input=2,
        delay=0.5,
    )
    assert entity(features2, other) is None
    eventually(lambda: entity(features2, key) == 4, "the orchestrator's signal has arrived")
    eventually(lambda: entity(features2, other) == 2, "the client's signal has arrived")


def test_entities_are_listed_and_removed(features2: RunningHost) -> None:
    key = uuid4().hex
    call(features2, "signal_entity", entity="counter", key=key, operation="add", input=2)
    eventually(lambda: entity(features2, key) == 2, "the entity exists")
    assert call(features2, "get_all_entities", prefix=f"@counter@{key}") == [
        {"id": f"@counter@{key}", "state": 2, "locked by": None}
    ]
    assert features2.get(f"{MANAGEMENT}/entities/counter/{key}").text == "2"
    call(features2, "signal_entity", entity="counter", key=key, operation="delete")
    eventually(lambda: entity(features2, key) is None, "the entity is deleted")
    assert call(features2, "get_all_entities", prefix=f"@counter@{key}") == []


def test_the_client_of_1x_reads_and_signals_entities(features2: RunningHost) -> None:
    key = {"entity": "Total", "key": uuid4().hex}

    def read() -> Any:
        return call(features2, "read_entity_state", "old-client", **key)

    assert read() == [False, None]
    call(features2, "signal_entity", "old-client", **key, operation="add", input=6)
    eventually(lambda: read() == [True, 6], "the signal has arrived")


# -- clients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["client", "sync-client"])
def test_the_client_controls_an_orchestration(features2: RunningHost, client: str) -> None:
    def run(name: str, /, **given: Any) -> Any:
        return call(features2, name, client, **given)

    id = run("schedule_new_orchestration", name="event", id=uuid4().hex, input={"x": 1})
    started = run("wait_for_orchestration_start", id=id, timeout=20)
    assert (started["name"], started["status"]) == ("event", "RUNNING")
    assert run("get_orchestration_state", id=id)["input"] == {"x": 1}
    assert run("get_all_orchestration_states", prefix=id) == [[id, "RUNNING"]]
    assert run("get_all_orchestration_states", prefix=id, status=["COMPLETED"]) == []
    run("suspend_orchestration", id=id)
    eventually(lambda: run("get_orchestration_state", id=id)["status"] == "SUSPENDED", "suspended")
    run("raise_orchestration_event", id=id, event_name="Approval", data=[1])
    assert error(features2, "wait_for_orchestration_completion", client, id=id, timeout=1)[0] == (
        "TimeoutError"
    )
    assert run("get_orchestration_state", id=id)["status"] == "SUSPENDED"
    run("resume_orchestration", id=id)
    done = run("wait_for_orchestration_completion", id=id, timeout=20)
    assert (done["status"], done["output"]) == ("COMPLETED", [1])
    assert run("restart_orchestration", id=id) == id
    eventually(lambda: run("get_orchestration_state", id=id)["status"] == "RUNNING", "restarted")
    other = run("restart_orchestration", id=id, restart_with_new_instance_id=True)
    assert other != id
    for one in (id, other):
        run("terminate_orchestration", id=one, output="enough")
        ended = run("wait_for_orchestration_completion", id=one, timeout=20)
        assert (ended["status"], ended["output"], ended["input"]) == (
            "TERMINATED",
            "enough",
            {"x": 1},
        )
        assert run("purge_orchestration", id=one) == 1
    assert run("get_orchestration_state", id=id) is None
    assert run("purge_orchestration", id=id) == 0


@pytest.mark.parametrize("client", ["client", "sync-client"])
def test_the_client_raises_errors_with_their_codes(features2: RunningHost, client: str) -> None:
    missing = uuid4().hex
    for name in ("suspend_orchestration", "resume_orchestration", "terminate_orchestration"):
        assert error(features2, name, client, id=missing)[0] == "NOT_FOUND"
    running = features2.start("event")["id"]
    code, message = error(features2, "schedule_new_orchestration", client, name="event", id=running)
    assert (code, running in message) == ("ALREADY_EXISTS", True)
    for name in ("purge_orchestration", "rewind_orchestration"):
        assert error(features2, name, client, id=running)[0] == "FAILED_PRECONDITION"
    call(features2, "terminate_orchestration", id=running)


def test_a_scheduled_start_waits_for_its_time(features2: RunningHost) -> None:
    id = call(features2, "schedule_new_orchestration", name="named_context", input="later", delay=1)
    assert status_of(features2, id) == "PENDING"
    done = call(features2, "wait_for_orchestration_completion", id=id, timeout=20)
    assert done["output"] == "later"


def test_rewind_runs_the_failed_activity_again(features2: RunningHost, tmp_path: Path) -> None:
    path = tmp_path / "file"
    links = features2.start("rewindable", str(path))
    assert features2.end(links)["runtimeStatus"] == "Failed"
    Path(f"{path}.ready").touch()
    call(features2, "rewind_orchestration", id=links["id"], reason="the file exists now")
    eventually(
        lambda: features2.status(links)["runtimeStatus"] == "Completed",
        "the instance has completed",
    )
    assert features2.status(links)["output"] == ["kept", "ready"]


def test_the_client_of_1x_controls_an_orchestration(features2: RunningHost) -> None:
    def run(name: str, *arguments: Any) -> Any:
        return call(features2, name, "old-client", arguments=arguments)

    id = run("start_new", "event", None, {"x": 1})
    eventually(lambda: run("get_status", id)[1] == "Running", "the instance runs")
    run("suspend", id, "wait")
    eventually(lambda: run("get_status", id)[1] == "Suspended", "the instance is suspended")
    run("resume", id, "continue")
    run("raise_event", id, "Approval", {"ok": 1})
    waited = features2.post("/api/old-client/wait", {"id": id, "milliseconds": 10000})
    assert (waited.status, waited.json) == (200, {"ok": 1})
    assert run("get_status", id) == ["event", "Completed", {"ok": 1}]
    again = run("restart", id)
    run("terminate", again, "enough")
    eventually(lambda: run("get_status", again)[1] == "Terminated", "the instance is terminated")
    assert run("purge_instance_history", id) == 1


def test_the_links_of_the_client_control_an_orchestration(features2: RunningHost) -> None:
    links = features2.start("event")
    features2.until(links, "Running")
    assert features2.post(links["suspendPostUri"].replace("{text}", "x")).status == 202
    features2.until(links, "Suspended")
    assert features2.post(links["terminatePostUri"].replace("{text}", "enough")).status == 202
    features2.until(links, "Terminated")
    assert features2.delete(links["purgeHistoryDeleteUri"]).json == {"instancesDeleted": 1}


# -- the style of 1.x, and the SDK's own functions -------------------------------------------------


def test_orchestrators_in_the_style_of_1x_run(features2: RunningHost) -> None:
    assert features2.run("old_chain", "input") == ["Tokyo", "Seattle", "London", "input"]
    assert features2.run("old_fan_out", 10) == list(range(10))
    assert features2.run("old_first_of") == 0.01
    links = features2.start("old_parent")
    assert features2.end(links)["output"] == {"n": 21, "parent": links["id"]}


def test_call_http_returns_the_response(features2: RunningHost) -> None:
    url = f"{features2.base}/api/greet?name=Bob"
    assert features2.run("old_call_http", url) == [200, "hello Bob"]


def test_call_http_polls_after_a_202(features2: RunningHost) -> None:
    url = f"{features2.base}/api/slow/{uuid4().hex}"
    assert features2.run("old_call_http", url) == [200, "finished"]


def test_scheduled_tasks_run_repeatedly(features2: RunningHost) -> None:
    id, key = uuid4().hex, uuid4().hex
    created = features2.post(f"/api/schedule/{id}", {"seconds": 1, "key": key})
    assert created.status == 200, created.text
    eventually(lambda: (entity(features2, key) or 0) >= 2, "the schedule has run twice", 20)
    assert features2.request("DELETE", f"/api/schedule/{id}").json["result"] is None
    assert features2.get(f"/api/schedule/{id}").json["result"] is None


def test_the_history_export_writes_finished_instances(
    features2: RunningHost, features_folder: Path
) -> None:
    links = features2.start("chain")
    features2.end(links)
    job = f"job{uuid4().hex}"
    assert features2.post(f"/api/export/{job}", {}).status == 200

    def is_complete() -> bool:
        result = features2.get(f"/api/export/{job}").json["result"]
        return result is not None and result[0] == "Completed"

    eventually(is_complete, "the export is complete", 60)
    texts = [
        path.read_text(encoding="utf-8")
        for path in (features_folder / "exports" / job).rglob("*")
        if path.is_file()
    ]
    assert any(links["id"] in text for text in texts)


def test_the_functions_of_the_sdk_are_not_listed(features2: RunningHost) -> None:
    assert "chain: orchestrationTrigger" in features2.log
    # The finding of call_http names the SDK's orchestrator.
    lines = [line for line in features2.log.splitlines() if "[EH802]" not in line]
    assert "BuiltIn__Http" not in "\n".join(lines)
