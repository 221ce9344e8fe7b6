"""Why an instance does not go on: what it waits for, and since when."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from embedded_host.engine.actions import MalformedAnswerError, TurnAnswer, parse_answer
from embedded_host.engine.decisions import NonDeterministicError
from embedded_host.engine.events import HistoryEvent, SubOrchestrationInstanceCreated
from embedded_host.engine.execution import Execution
from embedded_host.engine.failures import UserError
from embedded_host.engine.orchestration import Orchestration, Status
from embedded_host.engine.payload import TurnPayload
from embedded_host.engine.timestamps import parse_moment, utc_text
from embedded_host.engine.waiting import sentence, waits
from embedded_host.task_hub.instances import Instance
from embedded_host.task_hub.invoker import WorkerLostError

if TYPE_CHECKING:
    from embedded_host.task_hub.hub import TaskHub

log = logging.getLogger("embedded_host.task_hub")
ALMOST_A_LEG = timedelta(days=3) - timedelta(minutes=1)
LINES = 5
"""So many instances at a time; the others are counted."""


async def diagnosis(hub: TaskHub, instance_id: str) -> dict[str, Any] | None:
    """Return why an instance does not continue, or None for an id that no orchestration has.

    ``waitsFor`` has objects of ``engine.waiting.waits`` (activities with a ``state``, children with their
    ``runtimeStatus``), ``text`` a sentence."""
    instance = hub.find(instance_id)
    if instance is None or not isinstance(instance.state, Orchestration):
        return None
    state = instance.state
    return status_diagnosis(hub, instance, state) or waits_diagnosis(
        hub, instance, state, state.execution or await _replayed(hub, state)
    )


def status_diagnosis(hub: TaskHub, instance: Instance, state: Orchestration) -> dict[str, Any] | None:
    """Return the diagnosis of an instance whose status explains it: finished, in a turn, or suspended. Otherwise None."""
    if state.status.is_terminal:
        found = list(_running_children(hub, state.history.events))
        text = f"It has finished: {state.status.value}." + (
            f" Still running: {joined(found)}." if found and state.status is not Status.COMPLETED else ""
        )
        return {"waitsFor": found if state.status is not Status.COMPLETED else [], "text": text}
    if instance.busy:
        wait = {"kind": "worker", "since": utc_text(state.updated_at), "text": "its turn on a worker"}
        return {"waitsFor": [wait], "text": f"It waits for {sentence(wait)}."}
    if state.status is Status.SUSPENDED:
        why = f" ({state.output})" if state.output else ""
        return {
            "waitsFor": [],
            "text": f"It is suspended since {utc_text(state.updated_at)}{why}; resume it to let it go on.",
        }
    return None


def waits_diagnosis(
    hub: TaskHub, instance: Instance, state: Orchestration, execution: Execution | str
) -> dict[str, Any]:
    """Return the diagnosis of a waiting instance. ``execution`` is its execution, or why it cannot be replayed."""
    if isinstance(execution, str):
        return {"waitsFor": [], "text": execution}
    found = [with_state(hub, instance, wait) for wait in waits(state.history.events, execution)]
    if execution.returned and found:
        text = f"Its orchestrator has returned, but it runs until what it began is over: {joined(found)}."
        timers = [wait for wait in found if wait["kind"] == "timer"]
        if timers:
            text += " A timer that is not needed any more has to be cancelled."
        if any(parse_moment(timer["due"]) - parse_moment(timer["since"]) > ALMOST_A_LEG for timer in timers):
            text += " (The SDK makes one of more than six days of legs of three, and cancels none that has begun.)"
        return {"waitsFor": found, "text": text}
    return {
        "waitsFor": found,
        "text": f"It waits for {joined(found)}." if found else "It waits for nothing that is known.",
    }


def running_children(hub: TaskHub, state: Orchestration) -> list[str]:
    """Ids of sub-orchestrations that go on without their parent."""
    return [wait["instanceId"] for wait in _running_children(hub, state.history.events)]


def _running_children(hub: TaskHub, events: Iterable[HistoryEvent]) -> list[dict[str, Any]]:
    created = [e for e in events if isinstance(e, SubOrchestrationInstanceCreated)]
    found = []
    for event in created:
        row = hub.store.instance(hub.name, event.instance_id)
        if row is not None and not Status(row.status).is_terminal:
            found.append(
                {
                    "kind": "subOrchestration",
                    "since": event.timestamp,
                    "name": event.name,
                    "instanceId": event.instance_id,
                    "taskId": event.event_id,
                    "runtimeStatus": row.status,
                }
            )
    return found


def with_state(hub: TaskHub, instance: Instance, wait: dict[str, Any]) -> dict[str, Any]:
    if wait["kind"] == "activity":
        running = hub.running_since(instance.key, wait["taskId"])
        return {**wait, "state": f"running since {utc_text(running)}" if running else "queued: all places are taken"}
    if wait["kind"] == "subOrchestration":
        row = hub.store.instance(hub.name, wait["instanceId"])
        return {**wait, "runtimeStatus": row.status if row else None, "state": row.status if row else "purged"}
    return wait


async def _replayed(hub: TaskHub, state: Orchestration) -> Execution | str:
    """The execution as a replay makes it; a sentence if it cannot be replayed."""
    payload = TurnPayload(
        state.instance_id, state.execution_id, state.history.events, (), state.input, state.parent_instance_id
    )
    try:
        answer = await hub.invoker.orchestrator(hub.settings.functions.orchestrators.registered(state.name), payload)
        if isinstance(answer, UserError):
            return f"Its orchestrator fails when it is replayed: {answer.text}"
        text, counts = (answer.text, answer.counts) if isinstance(answer, TurnAnswer) else (answer, None)
        execution = Execution(state.instance_id, state.execution_id)
        execution.replay(parse_answer(text).actions, state.history.events, counts)
    except (WorkerLostError, MalformedAnswerError, NonDeterministicError, KeyError) as error:
        return f"It cannot be replayed: {error}"
    return execution


def joined(found: Iterable[dict[str, Any]]) -> str:
    sentences = [sentence(wait) for wait in found]
    return "; ".join(sentences[:LINES]) + (f"; and {len(sentences) - LINES} more" if len(sentences) > LINES else "")
