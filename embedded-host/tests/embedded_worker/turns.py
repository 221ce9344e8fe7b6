"""Turns of one orchestrator of SDK 1.x."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload, unseen_events
from embedded_worker.orchestrator_sessions import OrchestratorSession
from tests.engine.scenario import after, raised

ROOT = Path(__file__).parent
Steps = Generator[Any, Any, Any]


class Turns:
    """Runs turns of one orchestrator. If ``fresh``, each turn replays it from its history."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        fresh: bool = False,
        is_strict: bool = False,
        reports_lines: bool = False,
    ) -> None:
        self.handle = df.Orchestrator.create(function)
        self.fresh, self.is_strict, self.reports_lines = fresh, is_strict, reports_lines
        self.by_sdk: dict[str, Any] = {}
        """The result of the SDK alone for the events of the last turn."""
        self.past: list[HistoryEvent] = []
        self.session: OrchestratorSession | None = None
        self.actions: list[Any] = []

    def __call__(self, *events: HistoryEvent) -> dict[str, Any]:
        """Run a turn with ``events``, and return the SDK's JSON with all actions."""
        new = [h.orchestrator_started(after(len(self.past))), *events]
        if not self.past:
            started = h.execution_started(
                after(0),
                instance_id="i-1",
                execution_id="e-1",
                name="Main",
                input=None,
                parent=None,
            )
            new.insert(1, started)
        seen = 0 if self.session is None or self.fresh else self.session.seen
        payload = OrchestratorInput("i-1", "e-1", self.past, new, None, None, seen)
        if not seen:
            self.session = OrchestratorSession(
                self.handle, orchestrator_payload(payload), ROOT, is_strict=self.is_strict
            )
            if self.reports_lines:
                self.session.report_lines()
        if self.is_strict:
            whole = OrchestratorInput("i-1", "e-1", self.past, new, None, None, 0)
            self.by_sdk = json.loads(self.handle(orchestrator_payload(whole)))
        self.past = [*self.past, *new]
        assert self.session is not None
        state: dict[str, Any] = json.loads(
            self.session.run_turn(unseen_events(payload) if seen else None)
        )
        assert self.session.seen == len(self.past)
        # A turn omits the actions that an earlier turn returned.
        self.actions = self.actions[: self.session.known] + state["actions"][0]
        return {**state, "actions": [self.actions]}

    @property
    def now(self) -> OrchestratorSession:
        assert self.session is not None
        return self.session


MakeTurns = Callable[[Callable[[Any], Any]], Turns]


def event(name: str, value: Any) -> HistoryEvent:
    return raised(name, json.dumps(value))


def three_in_turn(context: Any) -> Steps:
    values = []
    for _ in range(3):
        values += [(yield context.wait_for_external_event("Go"))]
    return values
