"""One orchestration, turn by turn: SDK outputs and messages in, events and messages out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    CompletionEvent,
    EventBase,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
)
from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.engine.messages import Deliver, Message, Outgoing
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings, deliverable
from embedded_host.engine.status import Status
from embedded_host.engine.turn import turn
from embedded_host.protocols.v1 import orchestrator_payload, orchestrator_result, unseen_events

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
E = TypeVar("E", bound=EventBase)
FUNCTIONS = DurableFunctions.of(["Main", "Child"], ["Echo", "Flaky"], ["Counter"])


def after(seconds: float) -> datetime:
    """Return the time ``seconds`` after T0."""
    return T0 + timedelta(seconds=seconds)


def sdk_time(seconds: float) -> str:
    """Return the time ``seconds`` after T0 as the SDK writes it into an action."""
    return after(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# -- actions, as the SDK writes them ---------------------------------------------------------------


def activity(name: str = "Echo", input: str = "null") -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": input}


def retried(
    name: str = "Flaky", attempts: int = 3, first_ms: int = 1000, **options: Any
) -> dict[str, Any]:
    retry = {
        "firstRetryIntervalInMilliseconds": first_ms,
        "maxNumberOfAttempts": attempts,
        **options,
    }
    return {"actionType": 1, "functionName": name, "input": "null", "retryOptions": retry}


def child(
    name: str = "Child", input: str = "null", instance_id: str | None = None
) -> dict[str, Any]:
    return {
        "actionType": 2,
        "functionName": name,
        "input": input,
        "instanceId": instance_id,
        "version": None,
    }


def retried_child(attempts: int, first_ms: int = 1000) -> dict[str, Any]:
    retry = {"firstRetryIntervalInMilliseconds": first_ms, "maxNumberOfAttempts": attempts}
    return {**child(), "actionType": 3, "retryOptions": retry}


def continue_as_new(input: str = "null") -> dict[str, Any]:
    return {"actionType": 4, "input": input}


def timer(seconds: float, cancelled: bool = False) -> dict[str, Any]:
    return {"actionType": 5, "fireAt": sdk_time(seconds), "isCanceled": cancelled}


def event(name: str) -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def entity_call(
    instance_id: str = "@counter@k", operation: str = "get", input: str = "null"
) -> dict[str, Any]:
    return {"actionType": 7, "instanceId": instance_id, "operation": operation, "input": input}


def http_call(uri: str = "http://localhost/") -> dict[str, Any]:
    return {
        "actionType": 8,
        "httpRequest": {"method": "GET", "uri": uri, "content": None, "headers": None},
    }


def signal(instance_id: str = "@counter@k", operation: str = "add", **more: Any) -> dict[str, Any]:
    return {
        "actionType": 9,
        "instanceId": instance_id,
        "operation": operation,
        "input": "1",
        **more,
    }


def when_any(*actions: Any) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


def when_all(*actions: Any) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def sdk_output(*actions: Any, done: bool = False, **more: Any) -> dict[str, Any]:
    """Return the SDK's output of one turn. ``more``: output, error, customStatus."""
    return {"isDone": done, "schemaVersion": 2, "actions": [list(actions)], **more}


# -- messages --------------------------------------------------------------------------------------


def completed(task_id: int, result: str | None = "1") -> HistoryEvent:
    return h.task_completed(T0, task_id, result)


def failed(task_id: int, reason: str = "boom") -> HistoryEvent:
    return h.task_failed(T0, task_id, reason, None)


def fired(timer_id: int) -> HistoryEvent:
    return h.timer_fired(T0, timer_id, T0)


def child_completed(task_id: int, result: str | None = "1") -> HistoryEvent:
    return h.sub_orchestration_completed(T0, task_id, result)


def child_failed(task_id: int, reason: str = "boom") -> HistoryEvent:
    return h.sub_orchestration_failed(T0, task_id, reason, None)


def raised(name: str, input: str = "1") -> HistoryEvent:
    return h.event_raised(T0, name, input)


def suspended(reason: str | None = None) -> HistoryEvent:
    return h.execution_suspended(T0, reason)


def resumed(reason: str | None = None) -> HistoryEvent:
    return h.execution_resumed(T0, reason)


def terminated(reason: str | None = None) -> HistoryEvent:
    return h.execution_terminated(T0, reason)


PARENT = h.parent_instance("Parent", "parent-1", "parent-execution", 4)


class Scenario:
    """One instance. With ``fresh``, each turn replays the whole history."""

    def __init__(
        self,
        name: str = "Main",
        input: str | None = None,
        parent: ParentInstance | None = None,
        settings: TurnSettings | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        self.settings = settings or TurnSettings(FUNCTIONS)
        self.seconds = 0.0
        self.fresh = fresh
        self.state = Orchestration(
            "main-1", name, "execution-1", T0, T0, input=input, parent=parent
        )
        self.payload: dict[str, Any] | None = None
        """The payload of the last turn, or None if the turn did not invoke the orchestrator."""
        self._seen: list[dict[str, Any]] = []

    def start(self, returned: Any, *events: HistoryEvent | Message) -> TurnResult:
        started = h.execution_started(
            T0,
            instance_id=self.state.instance_id,
            execution_id=self.state.execution_id,
            name=self.state.name,
            input=self.state.input,
            parent=self.state.parent,
        )
        return self.turn(returned, started, *events)

    def turn(self, returned: Any, *events: HistoryEvent | Message) -> TurnResult:
        """Run a turn with ``events`` as its inbox, and apply its result.

        ``returned`` is the output of the orchestrator, or the UserError that it raised.
        """
        inbox = [
            e if isinstance(e, Message) else Message(e, self.state.execution_id) for e in events
        ]
        if self.fresh:
            self.state.execution, self.state.seen = None, 0
        run = turn(
            self.state, deliverable(self.state, inbox), self.settings, lambda: after(self.seconds)
        )
        self.payload = None
        try:
            self.payload = self._payload_of(next(run))
            run.send(_result(returned))
        except StopIteration as stop:
            result: TurnResult = stop.value
        else:
            raise AssertionError("the turn invokes its orchestrator twice")
        result.apply(self.state)
        return result

    def _payload_of(self, turn: OrchestratorInput) -> dict[str, Any]:
        """Return the payload, and check that a worker with the earlier events gets the others."""
        whole: dict[str, Any] = json.loads(orchestrator_payload(turn))
        self._seen = self._seen[: turn.seen] + json.loads(unseen_events(turn))
        assert self._seen == [{**event, "IsPlayed": False} for event in whole["history"]]
        return whole

    @property
    def steps(self) -> list[str]:
        """The history in words, without the start and completion of turns."""
        return [step for e in self.state.history.events if (step := _step(e))]

    def status(self) -> Status:
        """Return the status. A call is not narrowed by mypy, unlike an attribute."""
        return self.state.status

    def last(self, kind: type[E]) -> E:
        return next(e for e in reversed(self.state.history.events) if isinstance(e, kind))


def delivered(sent: Outgoing, kind: type[E]) -> E:
    """Return the event of a delivery, which must be of the class ``kind``."""
    assert isinstance(sent, Deliver)
    assert isinstance(sent.message.event, kind)
    return sent.message.event


_SILENT = (OrchestratorStarted, OrchestratorCompleted)


def _step(event: HistoryEvent) -> str:
    if isinstance(event, _SILENT):
        return ""
    word = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    word = word.replace("sub_orchestration_instance", "child").replace("execution_", "")
    number = event.scheduled_id if isinstance(event, CompletionEvent) else event.event_id
    return f"{word} {number}" if number >= 0 else word


def _result(returned: Any) -> OrchestratorOutput | InvocationFailure:
    if isinstance(returned, (OrchestratorOutput, InvocationFailure)):
        return returned
    return orchestrator_result(json.dumps(returned) if isinstance(returned, dict) else returned)


def kinds(outgoing: Sequence[Outgoing]) -> list[str]:
    return [type(sent).__name__ for sent in outgoing]


def failure(kind: str = "ValueError", text: str = "boom", stack: str = "") -> UserError:
    return UserError(kind, text, stack)
