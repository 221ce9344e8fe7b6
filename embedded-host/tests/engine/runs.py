"""One instance of a random program, with fake activities, children, entities and a clock."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Generator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from embedded_host.engine import history as h
from embedded_host.engine import turn as turn_module
from embedded_host.engine.entity_messages import response_message
from embedded_host.engine.events import EventRaised, HistoryEvent
from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
    ReplayProgress,
)
from embedded_host.engine.messages import (
    Deliver,
    Message,
    Outgoing,
    StartActivity,
    StartOrchestration,
)
from embedded_host.engine.orchestration import Orchestration, TurnSettings, deliverable
from embedded_host.engine.status import Status
from embedded_host.engine.turn import turn
from embedded_host.protocols.v1 import orchestrator_payload, orchestrator_result, unseen_events
from embedded_worker.orchestrator_sessions import OrchestratorSession
from embedded_worker.session_cache import SessionCache
from tests.engine.programs import Program, events_of
from tests.engine.scenario import T0

SETTINGS = TurnSettings(
    DurableFunctions.of(["Main", "Child"], ["Echo", "Fail", "Flaky"], ["Counter"])
)


class SdkWorker:
    """The SDK alone, as on the Azure Functions host: each turn is replayed, without counts."""

    def run_turn(
        self, program: Program, turn: OrchestratorInput
    ) -> OrchestratorOutput | InvocationFailure:
        try:
            return orchestrator_result(str(program.handle(orchestrator_payload(turn))))
        except Exception as error:
            return orchestrator_result(UserError(type(error).__name__, str(error)))

    def forget(self) -> None:
        """Do nothing: the SDK keeps no state between turns."""


class SessionWorker:
    """Runs turns with kept sessions, as ``embedded_worker`` does."""

    def __init__(self) -> None:
        self._sessions = SessionCache()

    def run_turn(
        self, program: Program, turn: OrchestratorInput
    ) -> OrchestratorOutput | InvocationFailure:
        address = (turn.instance_id, turn.execution_id, turn.seen)
        kept = self._sessions.take(*address) if turn.seen else None
        session = kept or OrchestratorSession(program.handle, orchestrator_payload(turn), Path())
        try:
            text = session.run_turn(unseen_events(turn) if kept else None)
        except Exception as error:
            progress = ReplayProgress(session.counts, session.known)
            return orchestrator_result(UserError(type(error).__name__, str(error)), progress)
        if not session.finished:
            self._sessions.keep(turn.instance_id, session)
        return orchestrator_result(text, ReplayProgress(session.counts, session.known))

    def forget(self) -> None:
        self._sessions = SessionCache()


class Run:
    def __init__(
        self,
        program: Program,
        seed: int | None,
        replays: str,
        worker: SdkWorker | SessionWorker,
        suspends: bool = False,
    ) -> None:
        """Create a run. Without a seed, each turn receives all messages in order.

        ``replays`` (never, sometimes, always): how often a turn replays the whole history.
        """
        self.program, self.replays, self.worker, self.suspends = program, replays, worker, suspends
        self.random = None if seed is None else random.Random(seed)
        self.coin = random.Random(seed)
        self.now: datetime = T0
        self.attempts: Counter[str] = Counter()
        self.delivered: list[Message] = []
        self.state = Orchestration("main-1", "Main", "execution-1", T0, T0)
        started = h.execution_started(
            T0, instance_id="main-1", execution_id="execution-1", name="Main", input=None
        )
        self.waiting = [Message(started)]
        events = events_of(program.steps, program.rounds)
        self.waiting += [
            Message(h.event_raised(T0, name, json.dumps(value))) for name, value in events
        ]
        self.histories: list[list[HistoryEvent]] = []

    def run(self) -> Run:
        ids = (UUID(int=n) for n in count(1))
        with patch.object(turn_module, "uuid4", lambda: next(ids)):
            while not self.state.status.is_terminal:
                assert (
                    self.waiting or self.state.continued or self.state.status is Status.SUSPENDED
                ), "the instance has no message to wait for"
                self.turn([] if self.state.continued else self.batch())
        return self

    def batch(self) -> list[Message]:
        if self.random is None:
            batch, self.waiting = self.waiting, []
        elif not self.delivered:
            at = self.random.randint(1, len(self.waiting))  # later turns receive the other events
            batch, self.waiting = self.waiting[:at], self.waiting[at:]
        else:
            self.random.shuffle(self.waiting)
            size = self.random.randint(1, 3)
            batch, self.waiting = self.waiting[:size], self.waiting[size:]
            again = [m for m in self.delivered if m.execution_id is not None]
            batch += self.random.sample(again, min(len(again), self.random.randint(0, 2)))
            if self.suspends:
                batch += self.control(self.random)
            self.random.shuffle(batch)
        self.delivered += [message for message in batch if message not in self.delivered]
        return batch

    def control(self, random: random.Random) -> list[Message]:
        if self.state.status is Status.SUSPENDED:
            return (
                [Message(h.execution_resumed(T0, None))]
                if not self.waiting or random.random() < 0.4
                else []
            )
        return [Message(h.execution_suspended(T0, None))] if random.random() < 0.2 else []

    def turn(self, batch: list[Message]) -> None:
        state = self.state
        messages = deliverable(state, batch)
        if not messages and not state.continued:
            return
        self.now = max([self.now + timedelta(milliseconds=1), *(m.due for m in messages if m.due)])
        if self.drops():
            state.execution, state.seen = None, 0
        if self.drops():
            self.worker.forget()
        run: Generator[Any, Any, Any] = turn(state, messages, SETTINGS, lambda: self.now)
        try:
            run.send(self.worker.run_turn(self.program, next(run)))
        except StopIteration as stop:
            result = stop.value
        if result.replaces:
            self.histories.append(state.history.events)
        result.apply(state)
        for sent in result.outgoing:
            self.carry_out(sent)

    def drops(self) -> bool:
        return self.replays == "always" or (
            self.replays == "sometimes" and self.coin.random() < 0.4
        )

    def carry_out(self, sent: Outgoing) -> None:
        at = T0  # runs with other turns send messages at other times, but must have equal histories
        if isinstance(sent, StartActivity):
            self.attempts[sent.input + sent.execution_id] += 1
            failures = {
                "Fail": 99,
                "Flaky": json.loads(sent.input)[1] if sent.name == "Flaky" else 0,
            }.get(sent.name, 0)
            if self.attempts[sent.input + sent.execution_id] <= failures:
                self.waiting.append(
                    Message(
                        h.task_failed(at, sent.task_id, f"no {sent.name}", None), sent.execution_id
                    )
                )
            else:
                self.waiting.append(
                    Message(h.task_completed(at, sent.task_id, sent.input), sent.execution_id)
                )
        elif isinstance(sent, StartOrchestration):
            parent, input = sent.started.parent_instance, sent.started.input
            assert parent is not None
            assert input is not None
            completed = h.sub_orchestration_completed(
                at, parent.task_schedule_id, json.loads(input)
            )
            self.waiting.append(Message(completed, parent.orchestration_instance.execution_id))
        elif isinstance(sent, Deliver) and sent.instance_id == self.state.instance_id:
            self.waiting.append(sent.message)
        elif isinstance(sent, Deliver):
            assert isinstance(sent.message.event, EventRaised)
            request = json.loads(sent.message.event.input or "")
            if not request.get("signal"):
                reply = h.event_raised(
                    at, request["id"], response_message(json.loads(request["input"]), False)
                )
                self.waiting.append(Message(reply, request["parentExecution"]))

    @property
    def outcome(self) -> tuple[str, Any]:
        return self.state.status.value, self.state.output
