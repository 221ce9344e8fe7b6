"""Histories as files have them: the embedded host's, ``func durable get-history``'s, and the status API's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded_host.engine.events import event_object
from embedded_host.engine.history import orchestrator_started
from embedded_host.engine.raw_events import COMPLETIONS, DECISIONS, Event, EventType
from embedded_host.engine.timestamps import parse_moment
from embedded_host.testing.errors import UnreadableHistoryError
from embedded_host.testing.instance_history import InstanceHistory

__tracebackhide__ = True

_NAMES = {kind.name.replace("_", "").lower(): kind for kind in EventType} | {
    "suborchestrationinstancecreated": EventType.SUB_ORCHESTRATION_CREATED,
    "suborchestrationinstancecompleted": EventType.SUB_ORCHESTRATION_COMPLETED,
    "suborchestrationinstancefailed": EventType.SUB_ORCHESTRATION_FAILED,
    "genericevent": EventType.GENERIC,
}
_SPELT = (
    "EventType EventId IsPlayed Timestamp Name FunctionName Input Result Reason Details TaskScheduledId TimerId FireAt "
    "InstanceId OrchestrationInstance ParentInstance OrchestrationStatus ScheduledTime Version Data"
)
_KEYS = {key.lower(): key for key in _SPELT.split(" ")}


@dataclass
class RecordedTurn:
    """One turn: what came, and what the orchestrator decided then."""

    messages: list[Event] = field(default_factory=list)
    decisions: list[Event] = field(default_factory=list)
    closed: Event | None = None
    """The turn's OrchestratorCompleted."""
    continued: bool = False
    """The first of an execution that continued as new."""


@dataclass
class RecordedHistory:
    source: str
    name: str
    instance_id: str
    events: list[Event]
    groups: list[RecordedTurn]
    exact: bool
    """The events are numbered. If not, which completion belongs to which call was worked out from names and times."""
    ending: str | None
    """The ExecutionCompleted's status; None if it goes on."""

    @property
    def started(self) -> Event:
        return next(e for e in self.events if e["EventType"] == EventType.EXECUTION_STARTED)


def read_history(source: Any, name: str | None = None) -> RecordedHistory:
    """Read a history from a file, its parsed content, or an InstanceHistory.

    Raises UnreadableHistoryError, or OSError if the file cannot be read."""
    try:
        return _read(source, name)
    except UnreadableHistoryError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        shown = str(source) if isinstance(source, (str, Path)) else "the history"
        raise UnreadableHistoryError(f"{shown} is not whole: {type(error).__name__}: {error} [EH606]") from error


def _read(source: Any, name: str | None = None) -> RecordedHistory:
    shown, instance_id = "the history", ""
    if isinstance(source, (str, Path)):
        shown = str(source)
        try:
            source = json.loads(Path(source).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise UnreadableHistoryError(f"{shown} is no JSON: {error} [EH606]") from error
    if isinstance(source, InstanceHistory):
        name, instance_id, source = name or source.name, source.instance_id, source.events
    if isinstance(source, Mapping):
        fields = {str(key).lower(): value for key, value in source.items()}
        found = fields.get("name") or fields.get("orchestratorname")
        name = name or (found if isinstance(found, str) else None)
        instance_id = str(fields.get("instanceid") or fields.get("id") or "")
    events = [event for item in _list_of_events(source, shown) if (event := _event(item)) is not None]
    started = next((e for e in events if e["EventType"] == EventType.EXECUTION_STARTED), None)
    if started is None:
        raise UnreadableHistoryError(f"{shown} has no ExecutionStarted: it is not the whole history. [EH606]")
    name = name or started.get("Name") or started.get("FunctionName")
    if not name:
        raise UnreadableHistoryError(f"{shown} does not say which orchestrator it is of: name it. [EH606]")
    instance = started.get("OrchestrationInstance") or {}
    instance_id = instance_id or instance.get("InstanceId") or "replayed"
    exact = bool(instance) and all(_numbered(e) for e in events)
    started.setdefault("OrchestrationInstance", {"InstanceId": instance_id, "ExecutionId": "replayed"})
    for key in ("ParentInstance", "Version", "Input"):  # the status API does not show them
        started.setdefault(key, None)
    groups = list(_groups(events)) if exact else _worked_out(events, shown)
    over = next((e for e in reversed(events) if e["EventType"] == EventType.EXECUTION_COMPLETED), None)
    ended = any(e["EventType"] == EventType.EXECUTION_TERMINATED for e in events)
    ending = "Terminated" if ended else (_status(over.get("OrchestrationStatus")) if over else None)
    return RecordedHistory(shown, str(name), instance_id, events, groups, exact, ending)


def _list_of_events(source: Any, shown: str) -> list[Any]:
    for level in (source, *(source.values() if isinstance(source, Mapping) else ())):
        for found in (level, *(level.values() if isinstance(level, Mapping) else ())):
            if not isinstance(found, list) or not found or not all(isinstance(e, Mapping) for e in found):
                continue
            if any(key.lower() == "eventtype" for key in found[0]):
                return found
    raise UnreadableHistoryError(
        f"{shown} holds no history. Make one with `embedded-host export`, `func durable get-history`, or ask the status URL with "
        "showHistory=true&showHistoryOutput=true. [EH606]"
    )


def _event(item: Mapping[str, Any]) -> Event | None:
    event = {_KEYS.get(key.lower(), key): value for key, value in item.items()}
    kind = event.get("EventType")
    if isinstance(kind, str) and not kind.isdigit():
        kind = _NAMES.get(kind.replace("_", "").lower())
    elif kind is not None:
        kind = int(kind)
    if kind is None:
        return None  # Azure Storage's sentinel, or an event that replays do not look at
    event["EventType"] = int(kind)
    event.setdefault("IsPlayed", False)
    return event


def _numbered(event: Event) -> bool:
    kind = event["EventType"]
    if kind in DECISIONS:
        return isinstance(event.get("EventId"), int) and event["EventId"] >= 0
    return kind not in COMPLETIONS or isinstance(event.get(COMPLETIONS[kind]), int)


def _status(given: Any) -> str:
    """DurableTask's enumeration, where it is a number."""
    numbers = {0: "Running", 1: "Completed", 2: "ContinuedAsNew", 3: "Failed", 4: "Canceled", 5: "Terminated"}
    return numbers.get(given, "Completed") if isinstance(given, int) else str(given or "Completed")


def _groups(events: list[Event]) -> Iterator[RecordedTurn]:
    group = RecordedTurn()
    for at, event in enumerate(events):
        kind = event["EventType"]
        if kind in DECISIONS:
            group.decisions.append(event)
        elif kind == EventType.ORCHESTRATOR_COMPLETED:
            if _is_continuation_mark(events, at):
                group.messages.append(event)
                group.continued = True
                continue
            group.closed = event
            yield group
            group = RecordedTurn()
        elif kind != EventType.EXECUTION_COMPLETED:
            group.messages.append(event)
    if group.messages or group.decisions:
        yield group


def _is_continuation_mark(events: list[Event], at: int) -> bool:
    """An OrchestratorCompleted that does not end its turn."""
    ends = (EventType.ORCHESTRATOR_STARTED, EventType.EXECUTION_COMPLETED)
    return at + 1 < len(events) and events[at + 1]["EventType"] not in ends


def _worked_out(events: list[Event], shown: str) -> list[RecordedTurn]:
    """From the status API's list, where calls stand in their completions and turns are not marked."""
    completions = [e for e in events if e["EventType"] in (EventType.TASK_COMPLETED, 8)]
    if completions and not any("Result" in e for e in completions):
        raise UnreadableHistoryError(
            f"{shown} has no results: ask for it with showHistory=true&showHistoryOutput=true. [EH606]"
        )
    made: list[tuple[str, Event]] = []
    shown_timers = [e for e in events if e["EventType"] == EventType.TIMER_CREATED]
    for event in events:
        kind = event["EventType"]
        if kind == EventType.EXECUTION_STARTED:
            event["Name"] = event.get("Name") or event.get("FunctionName")
        if kind in DECISIONS:
            event["Name"] = event.get("Name") or event.get("FunctionName")
            made.append((event["Timestamp"], event))
        elif kind == EventType.TIMER_FIRED:
            due = event.get("FireAt")
            timer = next((t for t in shown_timers if t.get("FireAt") == due and "_fired" not in t), None)
            if timer is not None:
                timer["_fired"] = True
                event["_of"] = timer
        elif kind in COMPLETIONS:
            is_task = kind in (EventType.TASK_COMPLETED, EventType.TASK_FAILED)
            decision: Event = {
                "EventType": int(EventType.TASK_SCHEDULED if is_task else EventType.SUB_ORCHESTRATION_CREATED),
                "Name": event.get("FunctionName") or event.get("Name"),
                "Input": event.get("Input"),
                "Timestamp": event.get("ScheduledTime") or event["Timestamp"],
            }
            if not is_task and event.get("InstanceId"):
                decision["InstanceId"] = event["InstanceId"]
            event["_of"] = decision
            made.append((decision["Timestamp"], decision))
            if "Result" in event:
                event["Result"] = json.dumps(event["Result"])
    made.sort(key=lambda pair: parse_moment(pair[0]))
    waiting = [decision for _, decision in made]
    groups = [RecordedTurn()]

    def decide(decision: Event) -> None:
        del waiting[next(at for at, other in enumerate(waiting) if other is decision)]
        groups[-1].decisions.append(decision)

    for event in events:
        kind, moment = event["EventType"], parse_moment(event["Timestamp"])
        if kind == EventType.EXECUTION_COMPLETED:
            continue
        # A decision that the list shows stands where it was made; the others were made before what comes later by the clock,
        # and before what completes them.
        needed = event if kind in DECISIONS else event.get("_of")
        for decision in list(waiting):
            if decision is needed or parse_moment(decision["Timestamp"]) < moment:
                decide(decision)
        if kind in DECISIONS:
            continue
        if groups[-1].decisions or kind == EventType.EXECUTION_TERMINATED:  # which no turn of the code's is about
            groups.append(RecordedTurn())
        groups[-1].messages.append(event)
    for decision in list(waiting):
        decide(decision)
    for group in groups:
        at = (group.decisions or group.messages)[0]["Timestamp"]
        group.messages.insert(0, event_object(orchestrator_started(parse_moment(at))))
    return groups
