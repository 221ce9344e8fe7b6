from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    LOCKED,
    lock_request_message,
    release_message,
    request_message,
)
from embedded_host.engine.events import (
    HistoryEvent,
    ParentInstance,
    SubOrchestrationInstanceFailed,
    encode_event,
    encode_parent,
)
from embedded_host.recovery.decisions import REASON, Decided, decide
from embedded_host.recovery.recovered_rows import IndexedInstance, RecoveredRows
from embedded_host.recovery.rows import (
    TABLES,
    ActivityRecord,
    AwaitedRecord,
    EntityRecord,
    HistoryRecord,
    InputRecord,
    InstanceRecord,
    MessageRecord,
    Rows,
    TimerRecord,
    parse_event,
    parse_turn,
)
from embedded_host.store.epoch import micros
from embedded_host.store.input_references import LONG, encode_stored_turn

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
NOW = T0 + timedelta(days=1)
TABLE_NAMES = tuple(TABLES)


def instance(
    key: int, id: str, status: str = "Running", *, parent: ParentInstance | None = None
) -> InstanceRecord:
    encoded = None if parent is None else encode_parent(parent)
    times = micros(T0), micros(T0)
    return InstanceRecord(
        key, "Hub", id, "Main", status, *times, "e", 0, encoded, 0, 1, None, None, None
    )


def entity(key: int, id: str) -> InstanceRecord:
    return instance(key, id)._replace(name=id.rpartition("@")[0], execution_id="")


def started(id: str, input: str | None = None) -> HistoryEvent:
    return h.execution_started(T0, instance_id=id, execution_id="e", name="Main", input=input)


def turn(key: int, number: int, *events: HistoryEvent) -> HistoryRecord:
    return HistoryRecord(key, number, encode_stored_turn(events))


def message(key: int, id: int, event: HistoryEvent) -> MessageRecord:
    return MessageRecord(key, id, None, None, encode_event(event))


def request(id: str, *, signal: bool = False) -> str:
    return request_message(
        request_id=id,
        operation="add",
        input="1",
        signal=signal,
        now=T0,
        parent="caller",
        parent_execution="e",
    )


def decided(rows: Rows, *damaged: str) -> Decided:
    problems = ["SQLite reports: damage"] if damaged else []
    return decide(RecoveredRows(rows=rows, damaged=set(damaged), problems=problems), NOW)


def outcomes(result: Decided) -> dict[str | None, tuple[str, str | None]]:
    return {one.id: (one.outcome, one.detail) for one in result.report.instances}


WAITING = Rows(
    instances=[instance(1, "a")],
    history=[turn(1, 0, started("a"), h.task_scheduled(T0, 0, "Echo"))],
    activities=[ActivityRecord(1, 1, "e", 0, "Echo", "1")],
)
"""An instance that waits for an activity."""


# -- instances that are kept -----------------------------------------------------------------------


def test_the_rows_of_a_sound_file_are_kept_unchanged() -> None:
    rows = Rows(
        instances=[instance(1, "a"), instance(2, "b", "Completed"), entity(3, "@counter@k")],
        inputs=[InputRecord(1, '"in"')],
        history=[
            turn(1, 0, started("a", '"in"')),
            turn(2, 0, started("b"), h.execution_completed(T0, 0, "Completed", "1")),
        ],
        messages=[message(1, 1, h.event_raised(T0, "Early", None))],
        activities=[ActivityRecord(1, 1, "e", 0, "Echo", "1")],
        awaited=[AwaitedRecord(1, "event", "Go")],
        entities=[EntityRecord(3, 1, "5", None)],
        timers=[TimerRecord("Hub", "Tick", None, None, 0)],
    )
    result = decided(rows)
    assert result.rows == rows
    assert outcomes(result) == {
        "a": ("continued", None),
        "b": ("finished", None),
        "@counter@k": ("entity", None),
    }
    assert result.report.problems == []


def test_a_live_instance_continues_if_all_its_data_was_recovered() -> None:
    result = decided(WAITING, "activities", "history", "inputs", "instances")
    assert outcomes(result) == {"a": ("continued", None)}
    assert result.rows == WAITING


def test_lost_messages_are_mentioned_for_live_instances_and_entities() -> None:
    rows = replace(
        WAITING,
        instances=[*WAITING.instances, entity(2, "@counter@k")],
        entities=[EntityRecord(2, 1, "5", None)],
    )
    assert outcomes(decided(rows, "messages")) == {
        "a": ("continued", "external events that the instance had not received may be lost"),
        "@counter@k": ("entity", "operations that the entity had not executed may be lost"),
    }


def test_a_finished_instance_is_kept_without_its_lost_data() -> None:
    rows = Rows(instances=[instance(1, "a", "Completed")], history=[turn(1, 1)])
    result = decided(rows, "history", "inputs")
    assert outcomes(result) == {
        "a": ("finished", "a part of its history is lost; its input is lost")
    }
    assert result.rows.instances == rows.instances


def test_messages_and_activities_of_a_purged_instance_are_dropped() -> None:
    rows = Rows(
        messages=[message(9, 1, h.event_raised(T0, "Go", None))],
        activities=[ActivityRecord(9, 1, "e", 0, "Echo", "1")],
        awaited=[AwaitedRecord(9, "event", "Go")],
    )
    recovered = RecoveredRows(rows=rows, index_is_complete=True, problems=["damage"])
    result = decide(recovered, NOW)
    assert result.rows == Rows()
    assert result.report.instances == []


def test_of_two_rows_with_the_same_key_the_first_is_used() -> None:
    rows = Rows(
        instances=[instance(1, "a", "Completed"), instance(1, "a", "Failed")],
        inputs=[InputRecord(1, "1"), InputRecord(1, "2")],
    )
    result = decided(rows, "instances")
    assert result.rows.instances == rows.instances[:1]
    assert result.rows.inputs == rows.inputs[:1]


def test_a_short_lost_input_is_restored_from_the_history() -> None:
    rows = Rows(
        instances=[instance(1, "a", "Completed")],
        history=[turn(1, 0, started("a", '"in"'))],
    )
    assert decided(rows, "inputs").rows.inputs == [InputRecord(1, '"in"')]


# -- instances that fail ---------------------------------------------------------------------------


def reason(rows: Rows, *damaged: str, id: str = "a") -> str | None:
    """Return the reason why an instance fails."""
    outcome, detail = outcomes(decided(rows, *damaged))[id]
    return detail if outcome == "failed" else None


def test_an_instance_that_fails_gets_a_last_turn_and_an_output() -> None:
    rows = replace(WAITING, activities=[], awaited=[AwaitedRecord(1, "event", "Go")])
    result = decided(rows, "activities")
    output = f"{REASON}: its activity 'Echo' is lost."
    [row] = result.rows.instances
    assert (row.status, row.output, row.updated) == ("Failed", output, micros(NOW))
    first, last = result.rows.history
    assert first == rows.history[0]
    assert parse_turn(last.events) == [h.execution_completed(NOW, -1, "Failed", output)]
    assert (result.rows.messages, result.rows.activities, result.rows.awaited) == ([], [], [])


def test_an_instance_with_a_gap_in_its_history_fails_at_the_gap() -> None:
    rows = Rows(
        instances=[instance(1, "a")],
        history=[turn(1, 0, started("a")), turn(1, 2, h.task_completed(T0, 0, "1"))],
    )
    assert reason(rows) == "a part of its history is lost"
    first, last = decided(rows).rows.history
    assert (first, last.turn) == (rows.history[0], 1)


def test_an_instance_without_its_last_turn_fails() -> None:
    rows = Rows(
        instances=[instance(1, "a")._replace(updated=micros(NOW))],
        history=[turn(1, 0, started("a"))],
    )
    assert reason(rows, "history") == "a part of its history is lost"
    assert reason(rows) is None


def test_a_pending_instance_needs_the_message_that_starts_it() -> None:
    rows = Rows(instances=[instance(1, "a", "Pending")])
    assert reason(rows, "messages", "history") == "the message that starts the instance is lost"
    rows.messages.append(message(1, 1, started("a")))
    assert reason(rows, "messages", "history") is None


def test_a_live_instance_without_its_long_input_fails() -> None:
    rows = Rows(instances=[instance(1, "a")], history=[turn(1, 0, started("a", "x" * LONG))])
    assert reason(rows, "inputs") == "its input is lost"


def test_an_instance_that_continued_as_new_needs_its_input() -> None:
    rows = replace(WAITING, instances=[instance(1, "a")._replace(continued=1)], activities=[])
    assert reason(rows, "inputs") == "its input is lost"
    rows.inputs = [InputRecord(1, "2")]
    assert reason(rows, *TABLE_NAMES) is None


@pytest.mark.parametrize(
    ("decision", "table", "expected"),
    [
        (h.task_scheduled(T0, 0, "Echo"), "activities", "its activity 'Echo' is lost"),
        (
            h.timer_created(T0, 0, NOW),
            "messages",
            "its timer for 2026-01-03T03:04:05Z is lost",
        ),
        (
            h.sub_orchestration_created(T0, 0, "Child", "c", None),
            "instances",
            "its sub-orchestration 'c' is lost",
        ),
        (
            h.event_sent(T0, 0, "@counter@k", "op", request("r")),
            "entities",
            "its request 'add' to the entity '@counter@k', or the response, is lost",
        ),
    ],
)
def test_an_instance_fails_if_the_counterpart_of_an_open_decision_is_lost(
    decision: HistoryEvent, table: str, expected: str
) -> None:
    rows = Rows(instances=[instance(1, "a")], history=[turn(1, 0, started("a"), decision)])
    assert reason(rows, table) == expected
    assert reason(rows, "timers") is None


@pytest.mark.parametrize(
    ("decision", "completion"),
    [
        (h.task_scheduled(T0, 0, "Echo"), h.task_completed(T0, 0, "1")),
        (h.timer_created(T0, 0, NOW), h.timer_fired(T0, 0, NOW)),
        (
            h.event_sent(T0, 0, "@counter@k", "op", request("r")),
            h.event_raised(T0, "r", '{"result":"1"}'),
        ),
    ],
)
def test_a_completion_in_the_inbox_or_history_replaces_the_counterpart(
    decision: HistoryEvent, completion: HistoryEvent
) -> None:
    damaged = ("activities", "messages", "entities")
    in_inbox = Rows(
        instances=[instance(1, "a")],
        history=[turn(1, 0, started("a"), decision)],
        messages=[message(1, 1, completion)],
    )
    in_history = Rows(
        instances=[instance(1, "a")], history=[turn(1, 0, started("a"), decision, completion)]
    )
    assert reason(in_inbox, *damaged) is None
    assert reason(in_history, *damaged) is None


def test_signals_and_other_messages_of_an_orchestration_need_no_counterpart() -> None:
    sent = [
        h.event_sent(T0, 0, "@counter@k", "op", request("r", signal=True)),
        h.event_sent(T0, 1, "@counter@k", "op", "not a request"),
        h.event_sent(T0, 2, "other", "Go", "1"),
    ]
    rows = Rows(instances=[instance(1, "a")], history=[turn(1, 0, started("a"), *sent)])
    assert reason(rows, "messages", "entities", "instances") is None


def test_a_request_in_the_inbox_of_the_entity_is_not_lost() -> None:
    sent = h.event_sent(T0, 0, "@counter@k", "op", request("r"))
    rows = Rows(
        instances=[instance(1, "a"), entity(2, "@counter@k")],
        history=[turn(1, 0, started("a"), sent)],
        messages=[message(2, 1, h.event_raised(T0, "op", request("r")))],
        entities=[EntityRecord(2, 1, "5", None)],
    )
    assert reason(rows, "messages") is None


LOCK_SET = ["@counter@k", "@counter@l"]


def locking(*more: HistoryEvent, locked_by: str | None = "a", status: str = "Running") -> Rows:
    """Return an instance that has sent a lock request, and the two entities."""
    lock = lock_request_message(request_id="cs", parent="a", lock_set=LOCK_SET)
    sent = h.event_sent(T0, 0, "@counter@k", "op", lock)
    return Rows(
        instances=[
            instance(1, "a", status),
            *(entity(key, id) for key, id in enumerate(LOCK_SET, 2)),
        ],
        history=[turn(1, 0, started("a"), sent, *more)],
        entities=[EntityRecord(2, 1, "5", locked_by), EntityRecord(3, 1, "6", None)],
    )


def test_a_lock_request_may_be_in_the_inbox_of_any_entity_of_its_lock_set() -> None:
    lost = "its lock request to the entity '@counter@k', or the response, is lost"
    assert reason(locking(), "messages") == lost
    assert reason(locking(), "history") is None
    text = lock_request_message(request_id="cs", parent="a", lock_set=LOCK_SET, position=1)
    waiting = locking()
    waiting.messages.append(message(3, 1, h.event_raised(T0, "op", text)))
    assert reason(waiting, "messages") is None
    released = locking()
    release = release_message(request_id="cs", parent="a")
    released.messages.append(message(3, 1, h.event_raised(T0, "release", release)))
    assert reason(released, "messages") == lost
    assert reason(locking(h.event_raised(T0, "cs", LOCKED)), "messages") is None


def test_an_entity_stays_locked_if_its_owner_can_release_it() -> None:
    granted = h.event_raised(T0, "cs", LOCKED)
    release = release_message(request_id="cs", parent="a")
    released = h.event_sent(T0, 1, "@counter@k", "release", release)

    def owner(rows: Rows, *damaged: str) -> str | None:
        return decided(rows, *damaged).rows.entities[0].locked_by

    assert owner(locking(granted), "messages") == "a"
    assert owner(locking(granted, released), "messages") is None
    assert owner(locking(), "messages") is None
    assert owner(locking(granted, status="Completed")) is None
    assert owner(locking(granted, locked_by="purged")) is None
    assert owner(locking(granted, locked_by="@counter@l")) is None
    assert reason(locking(granted, released), "messages") is None


def test_the_result_of_a_finished_child_must_be_in_the_inbox() -> None:
    created = h.sub_orchestration_created(T0, 0, "Child", "c", None)
    rows = Rows(
        instances=[instance(1, "a"), instance(2, "c", "Completed")],
        history=[turn(1, 0, started("a"), created)],
    )
    assert reason(rows, "messages") == "the result of its sub-orchestration 'c' is lost"
    rows.messages.append(message(1, 1, h.sub_orchestration_completed(T0, 0, "1")))
    assert reason(rows, "messages") is None


# -- parents ---------------------------------------------------------------------------------------


def family(parent_status: str = "Running") -> Rows:
    """Return a parent and its child, whose activity is lost."""
    link = h.parent_instance("Main", "a", "e", 0)
    created = h.sub_orchestration_created(T0, 0, "Child", "c", None)
    return Rows(
        instances=[instance(1, "a", parent_status), instance(2, "c", parent=link)],
        history=[
            turn(1, 0, started("a"), created),
            turn(2, 0, started("c"), h.task_scheduled(T0, 0, "Echo")),
        ],
        messages=[message(1, 7, h.event_raised(T0, "Early", None))],
    )


def test_the_parent_of_a_failed_child_receives_the_failure() -> None:
    result = decided(family(), "activities")
    assert outcomes(result)["c"] == ("failed", "its activity 'Echo' is lost")
    assert outcomes(result)["a"] == ("continued", None)
    _, failure = result.rows.messages
    assert (failure.instance, failure.id, failure.execution_id, failure.due) == (1, 8, "e", None)
    event = parse_event(failure.event)
    assert isinstance(event, SubOrchestrationInstanceFailed)
    assert (event.task_scheduled_id, event.reason) == (
        0,
        f"{REASON}: its activity 'Echo' is lost.",
    )


def test_a_parent_that_has_finished_or_fails_too_receives_no_failure() -> None:
    rows = family("Terminated")
    assert decided(rows, "activities").rows.messages == rows.messages
    rows = family()
    rows.history[0] = turn(1, 1, started("a"))
    result = decided(rows, "activities")
    assert outcomes(result)["a"] == ("failed", "a part of its history is lost")
    assert result.rows.messages == []


# -- instances that are lost -----------------------------------------------------------------------


def test_a_second_instance_with_the_same_id_is_lost() -> None:
    rows = Rows(
        instances=[instance(1, "a"), instance(2, "a")._replace(hub="HUB")],
        history=[turn(1, 0, started("a"))],
    )
    result = decided(rows, "instances")
    assert [(one.hub, one.id, one.outcome, one.detail) for one in result.report.instances] == [
        ("HUB", "a", "lost", "another instance has the same id"),
        ("Hub", "a", "continued", None),
    ]
    assert result.rows.instances == rows.instances[:1]


def test_an_entity_without_its_state_is_lost() -> None:
    result = decided(Rows(instances=[entity(1, "@counter@k")]), "entities")
    assert outcomes(result) == {"@counter@k": ("lost", "the state of the entity is lost")}
    assert result.rows.instances == []


def test_an_instance_without_a_row_is_reported_by_its_index_entry() -> None:
    recovered = RecoveredRows(
        damaged={"instances"},
        index={1: IndexedInstance("Hub", "a", "Running")},
        index_is_complete=True,
        problems=["damage"],
    )
    [lost] = decide(recovered, NOW).report.instances
    assert (lost.hub, lost.id, lost.status, lost.outcome) == ("Hub", "a", "Running", "lost")
    assert lost.detail == "its row is lost"


def test_an_instance_without_a_row_and_an_index_entry_is_reported_by_its_history() -> None:
    rows = Rows(history=[turn(4, 0, started("a"))], inputs=[InputRecord(5, "1")])
    assert [(one.hub, one.id, one.detail) for one in decided(rows, "x").report.instances] == [
        (None, "a", "its row, with the key 4, is lost"),
        (None, None, "its row, with the key 5, is lost"),
    ]


def test_a_loose_row_is_dropped_if_the_index_shows_that_it_was_deleted() -> None:
    loose = RecoveredRows(rows=WAITING, damaged={"instances"}, found_loose={1}, problems=["damage"])
    assert outcomes(decide(loose, NOW)) == {
        "a": ("failed", "its row was found in a page that may be out of date")
    }
    loose.index_is_complete = True
    assert outcomes(decide(loose, NOW)) == {}
