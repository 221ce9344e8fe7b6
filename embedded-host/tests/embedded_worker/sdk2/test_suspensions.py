"""The events of suspended orchestrations."""

from __future__ import annotations

import durabletask.internal.orchestrator_service_pb2 as pb

from embedded_worker.sdk2.suspensions import SuspensionFilter


def of(*kinds: str) -> list[pb.HistoryEvent]:
    messages = []
    for kind in kinds:
        message = pb.HistoryEvent()
        getattr(message, kind).SetInParent()
        messages.append(message)
    return messages


def kinds(messages: list[pb.HistoryEvent]) -> list[str | None]:
    return [message.WhichOneof("eventType") for message in messages]


def test_repeated_suspensions_are_removed_until_the_resumption() -> None:
    suspensions = SuspensionFilter()
    first = suspensions.filtered(of("executionSuspended", "executionSuspended", "timerFired"))
    assert kinds(first) == ["executionSuspended", "timerFired"]
    second = suspensions.filtered(
        of("executionSuspended", "executionResumed", "executionResumed", "executionSuspended")
    )
    assert kinds(second) == ["executionResumed", "executionResumed", "executionSuspended"]


def test_decisions_in_the_turn_of_a_suspension_precede_the_suspension() -> None:
    history = of("executionSuspended", "taskScheduled", "timerCreated", "orchestratorCompleted")
    assert kinds(SuspensionFilter().filtered(history)) == [
        "taskScheduled",
        "timerCreated",
        "executionSuspended",
        "orchestratorCompleted",
    ]
