"""The diagnosis of an instance in a store, without a host and without a replay."""

from __future__ import annotations

from embedded_host.engine.sdk_protocols import SDK_2X
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import HistoryView, Wait, WaitKind, execution_traceback, joined
from embedded_host.store.interface import InstanceRow, StateReader
from embedded_host.task_hub.diagnosis import Diagnosis, entity_diagnosis, suspended_diagnosis
from embedded_host.task_hub.recorded_waits import recorded_history, recorded_waits
from embedded_host.task_hub.root_cause import root_cause
from embedded_host.task_hub.undelivered_events import undelivered_events


def stored_diagnosis(store: StateReader, hub: str, row: InstanceRow) -> Diagnosis:
    """Return the diagnosis of an orchestration or entity.

    The waits contain the external events that the host stored after the last turn.
    """
    entity = entity_diagnosis(store, hub, row)
    if entity is not None:
        return entity
    status = Status(row.status)
    if status is Status.SUSPENDED:
        return suspended_diagnosis(format_utc(row.updated), row.output)
    if status is Status.PENDING:
        return Diagnosis([], "It has not started yet: no host has run its first turn.")
    view = recorded_history(store, row)
    if status.is_terminal:
        return Diagnosis(
            [], f"It has finished: {status.value}.", traceback=execution_traceback(view.events)
        )
    waits = [_with_status(store, hub, wait) for wait in recorded_waits(store, row, view)]
    awaited = store.awaited(row.key)
    return Diagnosis(
        waits,
        _text(store, row, view, waits),
        undelivered=undelivered_events(
            view.events,
            (name for kind, name in awaited if kind == "undelivered"),
            (name for kind, name in awaited if kind == "event"),
        ),
        root_cause=root_cause(store, hub, row, waits),
    )


def _text(store: StateReader, row: InstanceRow, view: HistoryView, waits: list[Wait]) -> str:
    ready = sum(message.due is None for message in store.messages(row.key))
    if ready or row.continued:
        noun = "message is" if ready == 1 else "messages are"
        inbox = f": {ready} {noun} in its inbox" if ready else ""
        return f"A host must run its next turn{inbox}." + (
            f" It waits for {joined(waits)}." if waits else ""
        )
    if waits:
        return f"It waits for {joined(waits)}."
    since = view.events[-1].timestamp if view.events else format_utc(row.updated)
    event = " an external event or for" if row.protocol == SDK_2X else ""
    return f"It has had no open calls or timers since {since}. It waits for{event} its next turn."


def _with_status(store: StateReader, hub: str, wait: Wait) -> Wait:
    if wait.kind is not WaitKind.SUB_ORCHESTRATION or wait.instance_id is None:
        return wait
    row = store.instance(hub, wait.instance_id)
    return wait.with_runtime_status(row.status if row else None)
