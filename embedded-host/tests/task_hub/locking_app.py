"""Orchestrations of SDK 2.x that lock entities, and entities with the payloads of SDK 2.x.

A script is a generator function. It yields ``("lock", IDS)``, ``("unlock",)``,
``("call", ID, OPERATION, INPUT)``, ``("signal", ID, OPERATION, INPUT)`` and ``("event", NAME)``.
``("start-lock", IDS)`` requests locks, but does not wait for them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    OPERATION,
    RELEASE,
    lock_request_message,
    release_message,
    request_message,
)
from embedded_host.engine.events import EventRaised, EventSent, ExecutionTerminated, HistoryEvent
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import EntityInput, EntityOutput, InvocationFailure
from embedded_host.engine.messages import Deliver, Message, Outgoing
from embedded_host.engine.orchestration import Orchestration, TurnResult
from embedded_host.engine.status import Status
from embedded_host.protocols.v2.entities import entity_payload, entity_result
from embedded_host.task_hub import orchestration_turns
from tests.task_hub.kit import InlineInvoker

Script = Callable[[str], Generator[tuple[Any, ...], Any, Any]]


class LockingInvoker(InlineInvoker):
    """Runs scripts as orchestrators. The state of an entity is the list of its operations."""

    def __init__(self, scripts: Mapping[str, Script], chance: Random | None = None) -> None:
        super().__init__({})
        self.scripts, self.chance = scripts, chance
        self.batches: list[tuple[str, list[str]]] = []
        """The id of the entity and the names of the operations of each batch."""

    @property
    def functions(self) -> DurableFunctions:
        return DurableFunctions.of(self.scripts, (), ["Tally"], protocol=2)

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        await self.pause()
        payload = json.loads(entity_payload(batch))
        state = json.loads(payload["entityState"] or "[]")
        results: list[dict[str, Any]] = []
        actions: list[dict[str, Any]] = []
        names = [operation["operation"] for operation in payload["operations"]]
        self.batches.append((instance_id, names))
        for operation in payload["operations"]:
            name, input = operation["operation"], operation["input"]
            if name == "explode":
                details = {"errorType": "builtins.ValueError", "errorMessage": "tally exploded"}
                results.append({"failure": {"failureDetails": details}})
                continue
            if name == "forward":
                actions.append({"sendSignal": json.loads(input)})
            elif name == "start":
                actions.append({"startNewOrchestration": json.loads(input)})
            state.append(name if input is None else f"{name} {input}")
            results.append({"success": {"result": str(len(state))}})
        document = {"results": results, "actions": actions, "entityState": json.dumps(state)}
        return entity_result(json.dumps(document), len(batch.operations))

    async def pause(self) -> None:
        for _ in range(self.chance.randrange(5) if self.chance else 1):
            await asyncio.sleep(0)


def use_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hubs run scripts instead of orchestrators."""
    monkeypatch.setattr(orchestration_turns, "orchestrator_turn", _scripted_turn)


async def _scripted_turn(
    state: Orchestration,
    messages: Sequence[Message],
    invoker: LockingInvoker,
    settings: object,
    clock: Any,
    findings: object,
) -> TurnResult:
    await invoker.pause()
    now, new = clock.now(), [message.event for message in messages]
    run = _Run(state, [*state.history.events, *new], now)
    status, output = Status.RUNNING, None
    if any(isinstance(event, ExecutionTerminated) for event in new):
        status = Status.TERMINATED
    else:
        try:
            run.follow(invoker.scripts[state.name](state.instance_id))
        except StopIteration as stop:
            run.unlock()
            status, output = Status.COMPLETED, json.dumps(stop.value)
    return TurnResult([*new, *run.events], False, status, output, None, now, outgoing=run.outgoing)


class _Run:
    def __init__(self, state: Orchestration, past: Sequence[HistoryEvent], now: Any) -> None:
        self._id, self._execution, self._now = state.instance_id, state.execution_id, now
        self._recorded = sum(isinstance(event, EventSent) for event in past)
        self._sent = 0
        self._raised = {event.name: event for event in past if isinstance(event, EventRaised)}
        self._section: tuple[str, Sequence[str]] | None = None
        self.events: list[HistoryEvent] = []
        self.outgoing: list[Outgoing] = []

    def follow(self, script: Generator[tuple[Any, ...], Any, Any]) -> None:
        """Run until the script waits. Raises StopIteration at its end."""
        value = None
        while True:
            kind, *rest = script.send(value)
            awaited: str | None = f"{self._execution}-{self._sent}"
            assert awaited is not None
            if kind in ("lock", "start-lock"):
                [ids] = rest
                self._section = (awaited, ids)
                text = lock_request_message(request_id=awaited, parent=self._id, lock_set=ids)
                self._send(ids[0], OPERATION, text)
                awaited = awaited if kind == "lock" else None
            elif kind == "unlock":
                self.unlock()
                awaited = None
            elif kind == "event":
                [awaited] = rest
            else:
                target, operation, input = rest
                text = request_message(
                    request_id=awaited,
                    operation=operation,
                    input=None if input is None else json.dumps(input),
                    signal=kind == "signal",
                    now=self._now,
                    parent=self._id,
                    protocol=2,
                )
                self._send(target, OPERATION, text)
                awaited = awaited if kind == "call" else None
            if awaited is not None:
                if awaited not in self._raised:
                    return
                value = json.loads(self._raised[awaited].input or "null")

    def unlock(self) -> None:
        """Release the locks, as the SDK does at the end of a critical section or execution."""
        if self._section is not None:
            request_id, ids = self._section
            for id in ids:
                self._send(id, RELEASE, release_message(request_id=request_id, parent=self._id))
            self._section = None

    def _send(self, target: str, name: str, text: str) -> None:
        self._sent += 1
        if self._sent > self._recorded:
            self.events.append(h.event_sent(self._now, self._sent, target, name, text))
            raised = h.event_raised(self._now, name, text)
            self.outgoing.append(Deliver(target, Message(raised)))
