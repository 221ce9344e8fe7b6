"""The outcome for each instance of a damaged file: kept, made Failed, or lost.

A finished instance is kept with its remaining data. A live instance is kept only if all data that
it needs to continue was recovered. These data are its complete history and its input. Each call
without a result (an activity, a timer, a sub-orchestration or an entity operation) also needs its
stored request. Without these data, the instance would wait forever. It becomes Failed instead, and
its parent receives the failure, as for any failed child.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from embedded_host.engine import history as h
from embedded_host.engine.critical_sections import open_critical_sections
from embedded_host.engine.entity_messages import (
    EntityMessage,
    LockRelease,
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
    decode_parent,
    encode_event,
    encode_events,
)
from embedded_host.engine.status import FINISHED, Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.recovery import report as r
from embedded_host.recovery.recovered_rows import RecoveredRows
from embedded_host.recovery.report import InstanceOutcome, Report
from embedded_host.recovery.rows import (
    INPUT_REFERENCE,
    ActivityRecord,
    EntityRecord,
    HistoryRecord,
    InputRecord,
    InstanceRecord,
    MessageRecord,
    Rows,
    parse_event,
    parse_turn,
)
from embedded_host.store.epoch import from_micros, micros

REASON = "The state file was damaged, and data that this instance needs was lost"

PendingRecord = TypeVar("PendingRecord", MessageRecord, ActivityRecord)


class Decided(NamedTuple):
    """The result of ``decide``."""

    rows: Rows
    """The rows of the new file."""
    report: Report


@dataclass
class _Instance:
    row: InstanceRecord
    turns: Mapping[int, str]
    """JSON of each turn's events, by number of the turn."""
    events: list[HistoryEvent]
    """The events of the turns up to the first gap."""
    inbox: list[HistoryEvent]

    @property
    def key(self) -> int:
        return self.row.key

    @property
    def hub(self) -> str:
        return self.row.hub

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def is_final(self) -> bool:
        return self.row.status in FINISHED

    @property
    def started(self) -> ExecutionStarted | None:
        return _started((*self.events, *self.inbox))


def decide(recovered: RecoveredRows, now: datetime) -> Decided:
    """Return the rows to keep and the report. ``now`` is the time of the failures."""
    return _Decisions(recovered, now).decided()


class _Decisions:
    def __init__(self, recovered: RecoveredRows, now: datetime) -> None:
        self._recovered, self._now = recovered, now
        self._damaged = recovered.damaged
        rows = recovered.rows
        self._inputs = {row.instance: row for row in reversed(rows.inputs)}
        self._entities: dict[int, EntityRecord] = {
            row.instance: row for row in reversed(rows.entities)
        }
        self._messages = _by_instance(rows.messages)
        self._activities = _by_instance(rows.activities)
        self._turns: dict[int, dict[int, str]] = defaultdict(dict)
        for row in rows.history:
            self._turns[row.instance].setdefault(row.turn, row.events)
        self._instances: dict[int, _Instance] = {}
        self._by_id: dict[tuple[str, str], _Instance] = {}
        self._failed: dict[int, str] = {}
        """The reason for the failure of each failed instance, by key."""
        self._next_message = (
            max((row.id for inbox in self._messages.values() for row in inbox), default=0) + 1
        )
        self._outcomes: list[InstanceOutcome] = []

    def decided(self) -> Decided:
        self._collect_instances()
        self._report_lost()
        for instance in self._instances.values():
            if instance.key not in self._entities and not instance.is_final:
                reason = self._reason_to_fail(instance)
                if reason is not None:
                    self._failed[instance.key] = reason
        for key in self._failed:
            self._notify_parent(self._instances[key])
        self._outcomes += map(self._outcome, self._instances.values())
        return Decided(self._rows(), Report(self._outcomes, self._recovered.problems))

    # -- which instances exist ---------------------------------------------------------------------

    def _collect_instances(self) -> None:
        recovered = self._recovered
        for row in recovered.rows.instances:
            if row.key in self._instances:
                continue
            was_deleted = recovered.index_is_complete and row.key not in recovered.index
            if row.key in recovered.found_loose and was_deleted:
                continue
            if (row.hub.lower(), row.id) in self._by_id:
                self._lose(row.hub, row.id, row.status, "another instance has the same id")
                continue
            is_entity = row.id.startswith("@") and row.execution_id == ""
            if is_entity and row.key not in self._entities:
                self._lose(row.hub, row.id, None, "the state of the entity is lost")
                continue
            turns = self._turns.get(row.key, {})
            instance = _Instance(row, turns, _events_before_gap(turns), self._inbox(row.key))
            self._instances[row.key] = self._by_id[row.hub.lower(), row.id] = instance

    def _report_lost(self) -> None:
        """Report each instance whose row is lost, but whose key is in an index or another table."""
        rows = {row.key for row in self._recovered.rows.instances}
        for key, entry in self._recovered.index.items():
            if key not in rows and (entry.hub.lower(), entry.id) not in self._by_id:
                self._lose(entry.hub, entry.id, entry.status, "its row is lost")
        if self._recovered.index_is_complete:
            return
        known = {*rows, *self._recovered.index}
        for key in sorted({*self._turns, *self._messages, *self._inputs, *self._entities} - known):
            events = _events_before_gap(self._turns.get(key, {}))
            started = _started((*events, *self._inbox(key)))
            id = None if started is None else started.orchestration_instance.instance_id
            self._lose(None, id, None, f"its row, with the key {key}, is lost")

    def _lose(self, hub: str | None, id: str | None, status: str | None, detail: str) -> None:
        self._outcomes.append(InstanceOutcome(hub, id, status, r.LOST, detail))

    def _inbox(self, key: int) -> list[HistoryEvent]:
        events = [parse_event(message.event) for message in self._messages.get(key, ())]
        return [event for event in events if event is not None]

    # -- which instances can continue --------------------------------------------------------------

    def _reason_to_fail(self, instance: _Instance) -> str | None:
        """Return the loss that prevents a live instance from continuing, or None."""
        if instance.key in self._recovered.found_loose:
            return "its row was found in a page that may be out of date"
        if not self._has_complete_history(instance):
            return "a part of its history is lost"
        if not instance.events and instance.started is None:
            return "the message that starts the instance is lost"
        if not self._has_input(instance):
            return "its input is lost"
        if instance.row.continued:  # the history belongs to the previous execution
            return None
        settled = {
            event.scheduled_id
            for event in (*instance.events, *instance.inbox)
            if isinstance(event, CompletionEvent)
        }
        for event in instance.events:
            if isinstance(event, SchedulingEvent) and event.event_id not in settled:
                reason = self._lost_counterpart(instance, event)
                if reason is not None:
                    return reason
        return None

    def _has_complete_history(self, instance: _Instance) -> bool:
        if sorted(instance.turns) != list(range(len(instance.turns))):
            return False
        if "history" not in self._damaged:
            return True
        if not instance.events:
            return instance.row.status == Status.PENDING.value
        if instance.is_final:
            return any(
                isinstance(event, ExecutionCompleted | ExecutionTerminated)
                for event in instance.events
            )
        # The row has the time of the last event of the last turn.
        updated = format_utc(from_micros(instance.row.updated))
        return instance.events[-1].timestamp == updated

    def _has_input(self, instance: _Instance) -> bool:
        """Return true if the input is known.

        A short input is also in the ExecutionStarted event. If the row of the input is lost, the
        input is restored from this event.
        """
        if instance.key in self._inputs or "inputs" not in self._damaged:
            return True
        if instance.started is None or instance.row.continued:
            return False
        input = instance.started.input
        if input == INPUT_REFERENCE:
            return False
        if input is not None:
            self._inputs[instance.key] = InputRecord(instance.key, input)
        return True

    def _lost_counterpart(self, instance: _Instance, decision: SchedulingEvent) -> str | None:
        """Return the loss that prevents an open decision from completing, or None."""
        if isinstance(decision, TaskScheduled):
            scheduled = {row.task_id for row in self._activities.get(instance.key, ())}
            if "activities" in self._damaged and decision.event_id not in scheduled:
                return f"its activity '{decision.name}' is lost"
        elif isinstance(decision, TimerCreated):
            if "messages" in self._damaged:  # an intact timer has its completion in the inbox
                return f"its timer for {decision.fire_at} is lost"
        elif isinstance(decision, SubOrchestrationInstanceCreated):
            child = self._find(instance.hub, decision.instance_id)
            if child is None and "instances" in self._damaged:
                return f"its sub-orchestration '{decision.instance_id}' is lost"
            if child is not None and child.is_final and "messages" in self._damaged:
                return f"the result of its sub-orchestration '{child.id}' is lost"
        elif isinstance(decision, EventSent) and decision.instance_id.startswith("@"):
            return self._lost_request(instance, decision)
        return None

    def _lost_request(self, instance: _Instance, decision: EventSent) -> str | None:
        """Return the loss if a request to an entity or its response is lost, else None."""
        request = _request(decision)
        if (
            request is None
            or isinstance(request, LockRelease)
            or (isinstance(request, OperationRequest) and request.signal)
            or not self._damaged & {"messages", "instances", "entities"}
        ):
            return None
        responses = {
            event.name
            for event in (*instance.events, *instance.inbox)
            if isinstance(event, EventRaised)
        }
        if request.id in responses:
            return None
        if isinstance(request, LockRequest):  # it may wait in the inbox of any of its entities
            name, receivers = "lock request", [str(entity) for entity in request.lock_set]
        else:
            name, receivers = f"request '{request.operation}'", [decision.instance_id]
        for receiver in receivers:
            entity = self._find(instance.hub, receiver)
            inbox = () if entity is None else entity.inbox
            pending = [_request(event) for event in inbox if isinstance(event, EventRaised)]
            if any(isinstance(p, type(request)) and p.id == request.id for p in pending):
                return None
        return f"its {name} to the entity '{decision.instance_id}', or the response, is lost"

    def _owned_lock(self, instance: _Instance, entity: EntityRecord) -> EntityRecord:
        """Return the row of an entity. Remove its lock if the owner cannot release it anymore."""
        if entity.locked_by is None:
            return entity
        owner = self._find(instance.hub, entity.locked_by)
        if owner is not None and not owner.is_final and owner.key not in self._failed:
            sections = open_critical_sections(owner.events)
            if any(instance.id in map(str, section.lock_set) for section in sections):
                return entity
        return entity._replace(locked_by=None)

    def _find(self, hub: str, id: str) -> _Instance | None:
        return self._by_id.get((hub.lower(), id))

    def _notify_parent(self, instance: _Instance) -> None:
        """Put the failure into the parent's inbox, as a failed child does."""
        if instance.row.parent is None:
            return
        link = decode_parent(instance.row.parent)
        parent = self._find(instance.hub, link.orchestration_instance.instance_id)
        if parent is None or parent.is_final or parent.key in self._failed:
            return
        failure = h.sub_orchestration_failed(
            self._now, link.task_schedule_id, f"{REASON}: {self._failed[instance.key]}.", None
        )
        execution = link.orchestration_instance.execution_id
        self._messages.setdefault(parent.key, []).append(
            MessageRecord(parent.key, self._next_message, execution, None, encode_event(failure))
        )
        self._next_message += 1

    # -- the result --------------------------------------------------------------------------------

    def _outcome(self, instance: _Instance) -> InstanceOutcome:
        if instance.key in self._failed:
            outcome, detail = r.FAILED, self._failed[instance.key]
        elif instance.key in self._entities:
            lost = (
                "operations that the entity had not executed may be lost"
                if "messages" in self._damaged
                else None
            )
            return InstanceOutcome(instance.hub, instance.id, None, r.ENTITY, lost)
        elif instance.is_final:
            losses = []
            if not self._has_complete_history(instance):
                losses.append("a part of its history is lost")
            if not self._has_input(instance):
                losses.append("its input is lost")
            outcome, detail = r.FINISHED, "; ".join(losses)
        else:
            lost_events = "external events that the instance had not received may be lost"
            outcome, detail = r.CONTINUED, lost_events if "messages" in self._damaged else ""
        return InstanceOutcome(
            instance.hub, instance.id, instance.row.status, outcome, detail or None
        )

    def _rows(self) -> Rows:
        rows = Rows(timers=self._recovered.rows.timers)
        live = set()
        for key, instance in self._instances.items():
            turns = dict(instance.turns)
            row = instance.row
            reason = self._failed.get(key)
            if reason is None:
                rows.messages += self._messages.get(key, ())
                rows.activities += self._activities.get(key, ())
                if not instance.is_final:
                    live.add(key)
            else:
                output = f"{REASON}: {reason}."
                row = row._replace(
                    status=Status.FAILED.value,
                    updated=micros(self._now),
                    continued=0,
                    output=output,
                )
                turns = {number: turns[number] for number in range(_first_gap(turns))}
                turns[len(turns)] = encode_events(
                    [h.execution_completed(self._now, -1, Status.FAILED.value, output)]
                )
            rows.instances.append(row)
            rows.history += [
                HistoryRecord(key, turn, events) for turn, events in sorted(turns.items())
            ]
            if key in self._inputs:
                rows.inputs.append(self._inputs[key])
            if key in self._entities:
                rows.entities.append(self._owned_lock(instance, self._entities[key]))
        rows.awaited = [row for row in self._recovered.rows.awaited if row.instance in live]
        return rows


def _by_instance(rows: Iterable[PendingRecord]) -> dict[int, list[PendingRecord]]:
    """Group rows by instance. If several rows have the same id, use the first one."""
    by_id: dict[int, dict[int, PendingRecord]] = defaultdict(dict)
    for row in rows:
        by_id[row.instance].setdefault(row.id, row)
    return {instance: list(group.values()) for instance, group in by_id.items()}


def _first_gap(turns: Mapping[int, str]) -> int:
    return next(number for number in range(len(turns) + 1) if number not in turns)


def _events_before_gap(turns: Mapping[int, str]) -> list[HistoryEvent]:
    return [
        event for number in range(_first_gap(turns)) for event in parse_turn(turns[number]) or ()
    ]


def _started(events: Iterable[HistoryEvent]) -> ExecutionStarted | None:
    return next((event for event in events if isinstance(event, ExecutionStarted)), None)


def _request(event: EventSent | EventRaised) -> EntityMessage | None:
    """Return the message for an entity in ``event``, or None if there is none."""
    try:
        return parse_message(event.name, event.input)
    except ValueError:
        return None
