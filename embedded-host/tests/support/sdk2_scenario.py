"""One orchestration of SDK 2.x, turn by turn, replayed by the SDK itself."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from durabletask.worker import TaskHubGrpcWorker

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    EventSent,
    FailureDetails,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    TimerFired,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.history import History
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings, deliverable
from embedded_host.engine.rewind import Rewound, rewind
from embedded_host.engine.status import Status
from embedded_host.engine.turn import turn
from embedded_host.protocols import v2
from embedded_worker.sdk2.sessions import OrchestratorSession

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
Steps = Generator[Any, Any, Any]
FUNCTIONS = DurableFunctions.of(["Main", "Child"], ["Echo", "Flaky"], ["counter"], 2)


def failure(message: str = "boom", cause: FailureDetails | None = None) -> FailureDetails:
    return FailureDetails(
        error_type="ValueError",
        error_message=message,
        stack_trace=f"Traceback of {message}",
        inner_failure=cause,
    )


class Sdk2Scenario:
    """An orchestrator of SDK 2.x. Each turn replays its whole history."""

    def __init__(self, orchestrator: Callable[..., Steps]) -> None:
        self._orchestrator = orchestrator
        self._worker = TaskHubGrpcWorker(emit_trace_spans=False)
        self._worker._registry.add_named_orchestrator("Main", orchestrator)
        self.now = T0
        self.state = Orchestration(
            instance_id="i", name="Main", execution_id="e", created_at=T0, updated_at=T0, protocol=2
        )
        self.turn(
            h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)
        )

    def _clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def turn(self, *events: HistoryEvent) -> TurnResult:
        """Deliver events, and record the SDK's decisions."""
        due = [event.due_at for event in events if isinstance(event, TimerFired)]
        self.now = max(self.now + timedelta(seconds=1), *due, self.now)
        messages = deliverable(self.state, [Message(event) for event in events])
        assert len(messages) == len(events), "a message is a duplicate"
        running = turn(self.state, messages, TurnSettings(FUNCTIONS), self._clock)
        session = OrchestratorSession(
            self._orchestrator,
            lambda name: self._worker,
            v2.orchestrator_payload(next(running)),
            Path(__file__).parent,
        )
        try:
            running.send(v2.orchestrator_result(session.run_turn(), None))
        except StopIteration as stop:
            result: TurnResult = stop.value
        result.apply(self.state)
        return result

    def fails(self, id: int, message: str = "boom") -> HistoryEvent:
        return h.task_failed(self.now, id, "Function 'Flaky' failed", None, failure(message))

    def completes(self, id: int, result: str = "1") -> HistoryEvent:
        return h.task_completed(self.now, id, result)

    def child_fails(self, id: int) -> HistoryEvent:
        return h.sub_orchestration_failed(self.now, id, "failed", None, failure())

    def child_completes(self, id: int) -> HistoryEvent:
        return h.sub_orchestration_completed(self.now, id, "1")

    def fires(self, id: int) -> HistoryEvent:
        created = next(
            event
            for event in reversed(self.state.history.events)
            if event.event_id == id and not isinstance(event, EventSent)
        )
        return h.timer_fired(created.occurred_at, id, created.due_at)  # type: ignore[union-attr]

    @property
    def steps(self) -> list[str]:
        """The type and id of each event, except of turns and of generic events."""
        names = []
        for event in self.state.history.events:
            name = type(event).__name__
            if not isinstance(event, (OrchestratorStarted, OrchestratorCompleted)):
                id = getattr(event, "task_scheduled_id", getattr(event, "timer_id", event.event_id))
                names.append(f"{name} {id}" if id >= 0 else name)
        return [name for name in names if name != "GenericEvent"]

    def rewind(self, *not_failed: str, running: tuple[str, ...] = ()) -> tuple[Rewound, list[str]]:
        """Rewind, and run the next turn. Returns the kept steps and those of the turn."""
        assert self.state.status is Status.FAILED, self.state.output
        rewound = rewind(
            self.state.history.events, "fixed", not_failed, running=running, protocol=2
        )
        self.state.history = History(rewound.events)
        self.state.status, self.state.output = Status.PENDING, None
        self.state.drop_execution()
        before = len(self.steps)
        kept = self.steps
        result = self.turn(h.generic(self.now, "rewind"))
        assert result.status is Status.RUNNING, result.output
        self.kept = kept
        return rewound, self.steps[before:]
