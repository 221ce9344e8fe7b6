"""Diagnoses: the reasons why an instance does not continue, with the start of each wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_field
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from embedded_host.engine.decisions import NonDeterministicError
from embedded_host.engine.execution import Execution
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
)
from embedded_host.engine.orchestration import ExecutionState, Orchestration
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.engine.sdk_protocols import SDK_2X
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc, parse_utc
from embedded_host.history import (
    CallKind,
    HistoryView,
    Wait,
    WaitKind,
    execution_traceback,
    execution_waits,
    joined,
)
from embedded_host.store.interface import InstanceRow, StateReader, Store
from embedded_host.task_hub.entity_diagnosis import EntityQueueState, entity_queue_state
from embedded_host.task_hub.entity_locks import blocking_lock
from embedded_host.task_hub.instances import LoadedInstance, row_of
from embedded_host.task_hub.invoker import Invoker, WorkerLostError
from embedded_host.task_hub.other_sdk import needs_other_sdk, other_sdk_reason
from embedded_host.task_hub.root_cause import RootCause, lock_cause, root_cause
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.undelivered_events import UndeliveredEvent, undelivered_events

LONG_TIMER_LEG = timedelta(days=3) - timedelta(minutes=1)
"""Minimum duration of a timer that is a leg of a long timer.

The SDK splits a timer of more than six days into legs: timers of about three days.
"""
_UNKNOWN = "The reason why it does not continue is unknown."
_TASK_WITHOUT_END = (
    "It waits for a task that is not a call, a timer or an event, and that never completes. "
    "Examples of such tasks are when_all([]) and task_all([]): do not yield them with an empty "
    "list."
)
"""The text for SDK 2.x, in which a composite task without parts never completes."""


class DiagnosedHub(Protocol):
    """The parts of a task hub that a diagnosis reads."""

    @property
    def name(self) -> str:
        """Name of the task hub."""

    @property
    def store(self) -> Store:
        """The store of the task hub."""

    @property
    def invoker(self) -> Invoker:
        """The invoker, which replays orchestrators."""

    @property
    def settings(self) -> HubSettings:
        """The settings of the task hub."""

    def find(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance, from memory or from the store."""

    def running_since(self, instance: int, task_id: int) -> datetime | None:
        """Return the start time of an activity, or None while it is queued."""


@dataclass(frozen=True)
class Diagnosis:
    """The waits of an instance, and an explanation for the user."""

    waits: Sequence[Wait]
    text: str
    """One or more sentences."""
    traceback: str | None = None
    """The traceback of a failed instance, or None."""
    undelivered: Sequence[UndeliveredEvent] = ()
    """The received events that no wait has accepted."""
    root_cause: RootCause | None = None
    """The instance deeper in the tree that the waits lead to, or None if they lead to none."""
    entity: EntityQueueState | None = None
    """The queue and the lock of an entity, or None for an orchestration."""

    @property
    def sentences(self) -> list[str]:
        """All facts for the user: the text, the root cause and the undelivered events."""
        causes = [] if self.root_cause is None else [_sentence(self.root_cause.text)]
        return [self.text, *causes, *(event.sentence for event in self.undelivered)]

    def document(self) -> dict[str, object]:
        """Return the JSON object of the management API."""
        document: dict[str, object] = {
            "waitsFor": [wait.document() for wait in self.waits],
            "text": self.text,
        }
        if self.traceback is not None:
            document["traceback"] = self.traceback
        if self.root_cause is not None:
            document["rootCause"] = self.root_cause.document()
        if self.undelivered:
            document["undeliveredEvents"] = [event.document() for event in self.undelivered]
        if self.entity is not None:
            document["entity"] = self.entity.document()
        return document


async def diagnose(hub: DiagnosedHub, instance_id: str) -> Diagnosis | None:
    """Return the diagnosis of an orchestration or entity, or None if it does not exist.

    If the execution of an orchestration is not in memory, a worker replays it.
    """
    instance = hub.find(instance_id)
    if instance is None:
        return None
    state = instance.state
    if not isinstance(state, Orchestration):
        row = row_of(hub.name, instance)
        return entity_diagnosis(hub.store, hub.name, row, is_running=instance.busy)
    known = status_diagnosis(hub, instance, state) or other_sdk_diagnosis(hub, state)
    diagnosis = known or waits_diagnosis(
        hub, instance, state, state.execution or await _replayed(hub, state)
    )
    return with_root_cause(hub, instance, diagnosis)


def entity_diagnosis(
    store: StateReader, hub: str, row: InstanceRow, *, is_running: bool = False
) -> Diagnosis | None:
    """Return the diagnosis of an entity, or None for an orchestration."""
    entity = entity_queue_state(store, hub, row, is_running=is_running)
    if entity is None:
        return None
    cause = None
    if entity.locked_by is not None:
        # The entity waits for the owner of its lock, like an orchestration that calls the entity.
        cause = lock_cause(store, hub, row)
    return Diagnosis([], entity.text, root_cause=cause, entity=entity)


def with_root_cause(hub: DiagnosedHub, instance: LoadedInstance, diagnosis: Diagnosis) -> Diagnosis:
    """Return the diagnosis of an orchestration with the root cause of its waits."""
    row = row_of(hub.name, instance)

    def with_state(instance_id: str, wait: Wait) -> Wait:
        found = hub.find(instance_id)
        return wait if found is None else _with_state(hub, found, wait)

    cause = root_cause(hub.store, hub.name, row, diagnosis.waits, with_state)
    return diagnosis if cause is None else replace_field(diagnosis, root_cause=cause)


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."


def status_diagnosis(
    hub: DiagnosedHub, instance: LoadedInstance, state: Orchestration
) -> Diagnosis | None:
    """Return the diagnosis of an instance that has finished, is in a turn, or is suspended.

    Returns None for other instances: their waits explain why they do not continue.
    """
    if state.status.is_terminal:
        children = running_children(hub, state) if state.status is not Status.COMPLETED else []
        also = f" Still running: {joined(children)}." if children else ""
        text = f"It has finished: {state.status.value}.{also}"
        return Diagnosis(children, text, execution_traceback(state.history.events))
    if instance.busy:
        wait = Wait(kind=WaitKind.WORKER, since=format_utc(state.updated_at))
        return Diagnosis([wait], f"It waits for {wait.description}.")
    if state.status is Status.SUSPENDED:
        return suspended_diagnosis(format_utc(state.updated_at), state.output)
    return None


def suspended_diagnosis(since: str, output: str | None) -> Diagnosis:
    """Return the diagnosis of a suspended instance. ``output`` is the reason, if there is one."""
    reason = f" ({output})" if output else ""
    return Diagnosis([], f"It has been suspended since {since}{reason}. Resume it to continue.")


def other_sdk_diagnosis(hub: DiagnosedHub, state: Orchestration) -> Diagnosis | None:
    """Return the diagnosis of an instance that needs another version of the SDK, or None."""
    protocol = hub.settings.functions.protocol
    if not needs_other_sdk(state, protocol):
        return None
    return Diagnosis([], f"It waits, {other_sdk_reason(state.protocol, protocol)}")


def waits_diagnosis(
    hub: DiagnosedHub,
    instance: LoadedInstance,
    state: Orchestration,
    execution: ExecutionState | str,
) -> Diagnosis:
    """Return the diagnosis of a waiting instance.

    ``execution`` is the execution of the instance, or the reason why the replay failed, as a
    sentence.
    """
    if isinstance(execution, str):
        return Diagnosis([], execution)
    waits = waits_of(hub, instance, HistoryView.of(state.history.events), execution)
    undelivered = undelivered_events(
        state.history.events, execution.undelivered_names, execution.awaited_events
    )
    if execution.returned and waits:
        text = _returned_text(waits)
    elif waits:
        text = f"It waits for {joined(waits)}."
    else:
        text = _TASK_WITHOUT_END if state.protocol == SDK_2X else _UNKNOWN
    return Diagnosis(waits, text, undelivered=undelivered)


def waits_of(
    hub: DiagnosedHub, instance: LoadedInstance, view: HistoryView, execution: ExecutionState
) -> list[Wait]:
    """Return the waits of an execution, with the state of its activities and sub-orchestrations."""
    return [_with_state(hub, instance, wait) for wait in execution_waits(view, execution)]


def running_children(hub: DiagnosedHub, state: Orchestration) -> list[Wait]:
    """Return the unfinished sub-orchestrations of an instance that has finished."""
    waits = []
    for call in HistoryView.of(state.history.events).calls_of(CallKind.SUB_ORCHESTRATION):
        assert call.instance_id is not None
        row = hub.store.instance(hub.name, call.instance_id)
        if row is not None and not Status(row.status).is_terminal:
            waits.append(
                Wait(
                    kind=WaitKind.SUB_ORCHESTRATION,
                    since=format_utc(call.scheduled_at),
                    name=call.name,
                    instance_id=call.instance_id,
                    task_id=call.id,
                    runtime_status=row.status,
                )
            )
    return waits


def _returned_text(waits: Sequence[Wait]) -> str:
    text = (
        "Its orchestrator has returned, but the instance runs until its open tasks are done: "
        f"{joined(waits)}."
    )
    timers = [wait for wait in waits if wait.kind is WaitKind.TIMER]
    if timers:
        text += " Cancel a timer that is no longer needed."
    if any(_is_long_timer_leg(timer) for timer in timers):
        text += (
            " (The SDK splits a timer of more than six days into legs of three days, and cannot "
            "cancel a leg that has started.)"
        )
    return text


def _is_long_timer_leg(timer: Wait) -> bool:
    return timer.due is not None and parse_utc(timer.due) - parse_utc(timer.since) > LONG_TIMER_LEG


def _with_state(hub: DiagnosedHub, instance: LoadedInstance, wait: Wait) -> Wait:
    if wait.kind is WaitKind.ACTIVITY and wait.task_id is not None:
        running = hub.running_since(instance.key, wait.task_id)
        state = (
            f"running since {format_utc(running)}"
            if running
            else "queued: the concurrency limit is reached"
        )
        return replace(wait, state=state)
    if wait.kind is WaitKind.SUB_ORCHESTRATION and wait.instance_id is not None:
        row = hub.store.instance(hub.name, wait.instance_id)
        return wait.with_runtime_status(row.status if row else None)
    if wait.kind in (WaitKind.ENTITY, WaitKind.LOCK) and wait.instance_id is not None:
        blocked = blocking_lock(hub, instance, wait.instance_id)
        if blocked is not None:
            entity_id, owner = blocked
            row = hub.store.instance(hub.name, owner)
            locked = "locked" if entity_id == wait.instance_id else f"'{entity_id}' is locked"
            return replace(wait, state=f"{locked} by '{owner}', {row.status if row else 'purged'}")
    return wait


async def _replayed(hub: DiagnosedHub, state: Orchestration) -> ExecutionState | str:
    """Replay the execution. If the replay fails, return the reason as a sentence."""
    turn = OrchestratorInput(
        state.instance_id,
        state.execution_id,
        state.history.events,
        (),
        state.input,
        state.parent_instance_id,
        is_diagnosis=True,
        protocol=state.protocol,
    )
    try:
        output = await hub.invoker.orchestrator(
            hub.settings.functions.orchestrators.registered(state.name), turn
        )
        if isinstance(output, InvocationFailure):
            return f"Its orchestrator fails when it is replayed: {output.message}"
        if isinstance(output, OrchestratorDecisions):
            return _recorded_execution(state, output)
        execution = Execution(state.instance_id, state.execution_id)
        execution.replay(output.actions, state.history.events, output.progress)
    except (WorkerLostError, NonDeterministicError, KeyError) as error:
        return f"It cannot be replayed: {error}"
    return execution


def _recorded_execution(state: Orchestration, output: OrchestratorDecisions) -> RecordedExecution:
    execution = RecordedExecution(state.history.events)
    execution.await_events(output.awaited_events, output.undelivered_events)
    return execution
