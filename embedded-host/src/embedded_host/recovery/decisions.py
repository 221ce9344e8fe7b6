"""The outcome for each instance of a damaged file: kept as it is, made Failed, or lost.

A finished instance is kept with the data that is left. A live one is kept only if everything that it needs to continue is there:
its history without gaps, its input, and for each open decision the activity, timer, sub-orchestration or entity request. Otherwise
it would wait forever. It becomes Failed then, and its parent receives the failure as that of any child.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from embedded_host.engine import history as h
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
from embedded_host.recovery.rows import INPUT_REFERENCE, Row, events_of
from embedded_host.store.epoch import from_micros, micros

REASON = "The state file was damaged, and data that this instance needs was lost"


class Decided(NamedTuple):
    rows: dict[str, list[Row]]
    """The rows of the new file, by table."""
    report: Report


@dataclass
class _Instance:
    row: Row
    """As in the table ``instances``."""
    turns: dict[int, str]
    """JSON of the events, by number of the turn."""
    events: list[HistoryEvent]
    """The events of the turns up to the first gap."""
    inbox: list[HistoryEvent]

    @property
    def key(self) -> int:
        return int(self.row[0])

    @property
    def hub(self) -> str:
        return str(self.row[1])

    @property
    def id(self) -> str:
        return str(self.row[2])

    @property
    def status(self) -> str:
        return str(self.row[4])

    @property
    def is_final(self) -> bool:
        return self.status in FINISHED

    @property
    def started(self) -> ExecutionStarted | None:
        return _started((*self.events, *self.inbox))


def decide(found: RecoveredRows, now: datetime) -> Decided:
    """Return the rows to keep and the report. ``now`` is the time of the failures."""
    return _Decisions(found, now).decided()


class _Decisions:
    def __init__(self, found: RecoveredRows, now: datetime) -> None:
        self._found, self._now = found, now
        self._damaged = found.damaged
        tables = found.tables
        self._inputs = {row[0]: row for row in reversed(tables["inputs"])}
        self._entities = {row[0]: row for row in reversed(tables["entities"])}
        self._messages = _by_instance(tables["messages"])
        self._activities = _by_instance(tables["activities"])
        self._turns: dict[int, dict[int, str]] = defaultdict(dict)
        for instance, turn, events in tables["history"]:
            self._turns[instance].setdefault(turn, events)
        self._instances: dict[int, _Instance] = {}
        self._by_id: dict[tuple[str, str], _Instance] = {}
        self._failed: dict[int, str] = {}
        self._next_message = (
            max((row[1] for rows in self._messages.values() for row in rows), default=0) + 1
        )
        self._outcomes: list[InstanceOutcome] = []

    def decided(self) -> Decided:
        self._take_instances()
        self._report_lost()
        for instance in self._instances.values():
            if instance.key not in self._entities and not instance.is_final:
                reason = self._reason_to_fail(instance)
                if reason is not None:
                    self._failed[instance.key] = reason
        for key in self._failed:
            self._notify_parent(self._instances[key])
        self._outcomes += map(self._outcome, self._instances.values())
        return Decided(self._rows(), Report(self._outcomes, self._found.problems))

    # -- which instances exist -----------------------------------------------------------------------

    def _take_instances(self) -> None:
        for row in self._found.tables["instances"]:
            key, hub, id, status = row[0], row[1], row[2], row[4]
            if key in self._instances:
                continue
            if (
                key in self._found.found_loose
                and self._found.names_complete
                and key not in self._found.names
            ):
                continue  # it had been deleted
            if (hub.lower(), id) in self._by_id:
                self._lose(hub, id, status, "another instance has the same id")
                continue
            if (
                key not in self._entities and id.startswith("@") and row[7] == ""
            ):  # an entity has no execution id
                self._lose(hub, id, None, "the state of the entity is lost")
                continue
            turns = self._turns.get(key, {})
            inbox = _inbox(self._messages.get(key, ()))
            instance = _Instance(row, turns, _up_to_gap(turns), inbox)
            self._instances[key] = self._by_id[hub.lower(), id] = instance

    def _report_lost(self) -> None:
        """Report the instances whose row is lost: an index or their history has their id."""
        rows = {row[0] for row in self._found.tables["instances"]}
        for key, name in self._found.names.items():
            if key not in rows and (name.hub.lower(), name.id) not in self._by_id:
                self._lose(name.hub, name.id, name.status, "its row is lost")
        if self._found.names_complete:
            return
        known = {*rows, *self._found.names}
        for key in sorted({*self._turns, *self._messages, *self._inputs, *self._entities} - known):
            inbox = _inbox(self._messages.get(key, ()))
            started = _started((*_up_to_gap(self._turns.get(key, {})), *inbox))
            id = None if started is None else started.orchestration_instance.instance_id
            self._lose(None, id, None, f"its row is lost (its key was {key})")

    def _lose(self, hub: str | None, id: str | None, status: str | None, detail: str) -> None:
        self._outcomes.append(InstanceOutcome(hub, id, status, r.LOST, detail))

    # -- which instances can continue ----------------------------------------------------------------

    def _reason_to_fail(self, instance: _Instance) -> str | None:
        """Return the loss that keeps a live instance from continuing; None if there is none."""
        if instance.key in self._found.found_loose:
            return "it was found in a page that may be out of date"
        if not self._has_whole_history(instance):
            return "a part of its history is lost"
        if not instance.events and instance.started is None:
            return "the message that starts it is lost"
        if not self._has_input(instance):
            return "its input is lost"
        if instance.row[10]:  # continued as new: the decisions are those of the execution before
            return None
        settled = {
            event.scheduled_id
            for event in (*instance.events, *instance.inbox)
            if isinstance(event, CompletionEvent)
        }
        for event in instance.events:
            if isinstance(event, SchedulingEvent) and event.event_id not in settled:
                reason = self._lost_partner(instance, event)
                if reason is not None:
                    return reason
        return None

    def _has_whole_history(self, instance: _Instance) -> bool:
        if sorted(instance.turns) != list(range(len(instance.turns))):
            return False
        if "history" not in self._damaged:
            return True
        if not instance.events:
            return instance.status == Status.PENDING.value
        if instance.is_final:
            return any(
                isinstance(event, ExecutionCompleted | ExecutionTerminated)
                for event in instance.events
            )
        # The last turn sets the time of the row, too.
        return bool(instance.events[-1].timestamp == format_utc(from_micros(instance.row[6])))

    def _has_input(self, instance: _Instance) -> bool:
        """A short input is in the ExecutionStarted event as well, and is restored from it."""
        if instance.key in self._inputs or "inputs" not in self._damaged:
            return True
        if instance.started is None or instance.row[10]:
            return False
        input = instance.started.input
        if input == INPUT_REFERENCE:
            return False
        if input is not None:
            self._inputs[instance.key] = (instance.key, input)
        return True

    def _lost_partner(self, instance: _Instance, decision: SchedulingEvent) -> str | None:
        """Return the loss behind a decision without a completion; None if the completion can still come."""
        if isinstance(decision, TaskScheduled):
            scheduled = {row[3] for row in self._activities.get(instance.key, ())}
            if "activities" in self._damaged and decision.event_id not in scheduled:
                return f"its activity '{decision.name}' is lost"
        elif isinstance(decision, TimerCreated):
            if "messages" in self._damaged:  # a timer that is there is a completion in the inbox
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
        """Return the loss of an entity request or of its response."""
        request = _parsed(decision.input)
        if (
            request is None
            or request.get("signal")
            or not self._damaged & {"messages", "instances", "entities"}
        ):
            return None
        responses = {
            e.name for e in (*instance.events, *instance.inbox) if isinstance(e, EventRaised)
        }
        if request.get("id") in responses:
            return None
        entity = self._find(instance.hub, decision.instance_id)
        inbox = () if entity is None else entity.inbox
        waiting = [_parsed(event.input) for event in inbox if isinstance(event, EventRaised)]
        if any(one is not None and one.get("id") == request.get("id") for one in waiting):
            return None
        return f"its request '{request.get('op')}' to the entity '{decision.instance_id}', or the response, is lost"

    def _find(self, hub: str, id: object) -> _Instance | None:
        return self._by_id.get((hub.lower(), str(id)))

    def _notify_parent(self, instance: _Instance) -> None:
        """Put the failure into the parent's inbox, as a child that fails does."""
        if instance.row[9] is None:
            return
        parent = decode_parent(instance.row[9])
        found = self._find(instance.hub, parent.orchestration_instance.instance_id)
        if found is None or found.is_final or found.key in self._failed:
            return
        failure = h.sub_orchestration_failed(
            self._now, parent.task_schedule_id, f"{REASON}: {self._failed[instance.key]}.", None
        )
        execution = parent.orchestration_instance.execution_id
        message = (found.key, self._next_message, execution, None, encode_event(failure))
        self._messages.setdefault(found.key, []).append(message)
        self._next_message += 1

    # -- the result ----------------------------------------------------------------------------------

    def _outcome(self, instance: _Instance) -> InstanceOutcome:
        if instance.key in self._failed:
            outcome, detail = r.FAILED, self._failed[instance.key]
        elif instance.key in self._entities:
            lost = (
                "operations that it had not executed may be lost"
                if "messages" in self._damaged
                else None
            )
            return InstanceOutcome(instance.hub, instance.id, None, r.ENTITY, lost)
        elif instance.is_final:
            losses = [] if self._has_whole_history(instance) else ["a part of its history is lost"]
            if not self._has_input(instance):
                losses.append("its input is lost")
            outcome, detail = r.FINISHED, "; ".join(losses)
        else:
            lost_events = "external events that it had not received may be lost"
            outcome, detail = r.CONTINUED, lost_events if "messages" in self._damaged else ""
        return InstanceOutcome(instance.hub, instance.id, instance.status, outcome, detail or None)

    def _rows(self) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {name: [] for name in self._found.tables}
        live = set()
        for key, instance in self._instances.items():
            turns = dict(instance.turns)
            row = instance.row
            reason = self._failed.get(key)
            if reason is None:
                rows["messages"] += self._messages.get(key, ())
                rows["activities"] += self._activities.get(key, ())
                if not instance.is_final:
                    live.add(key)
            else:
                text = f"{REASON}: {reason}."
                row = (
                    *row[:4],
                    Status.FAILED.value,
                    row[5],
                    micros(self._now),
                    *row[7:10],
                    0,
                    row[11],
                    text,
                )
                turns = {number: turns[number] for number in range(_first_gap(turns))}
                turns[len(turns)] = encode_events(
                    [h.execution_completed(self._now, -1, Status.FAILED.value, text)]
                )
            rows["instances"].append(row)
            rows["history"] += [(key, turn, events) for turn, events in sorted(turns.items())]
            if key in self._inputs:
                rows["inputs"].append(self._inputs[key])
            if key in self._entities:
                rows["entities"].append(self._entities[key])
        rows["awaited"] = [row for row in self._found.tables["awaited"] if row[0] in live]
        rows["timers"] = self._found.tables["timers"]
        return rows


def _by_instance(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Group by the first column; of rows with equal first two columns the first one counts."""
    found: dict[int, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        found[row[0]].setdefault(row[1], row)
    return {instance: list(by_id.values()) for instance, by_id in found.items()}


def _first_gap(turns: dict[int, str]) -> int:
    return next(number for number in range(len(turns) + 1) if number not in turns)


def _up_to_gap(turns: dict[int, str]) -> list[HistoryEvent]:
    return [
        event for number in range(_first_gap(turns)) for event in events_of(turns[number]) or ()
    ]


def _started(events: Iterable[HistoryEvent]) -> ExecutionStarted | None:
    return next((event for event in events if isinstance(event, ExecutionStarted)), None)


def _inbox(messages: Iterable[Row]) -> list[HistoryEvent]:
    return [event for message in messages for event in events_of(f"[{message[4]}]") or ()]


def _parsed(text: Any) -> dict[str, Any] | None:
    """Return the JSON object of a message to an entity; None for anything else."""
    try:
        request = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None
