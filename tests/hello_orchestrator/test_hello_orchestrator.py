"""Tests that replay the orchestrator from histories like those of the Azure Functions host."""

import json
from typing import Any

import pytest

import HelloOrchestrator

SCHEDULED = {"actionType": 0, "functionName": "HelloActivity", "input": "null"}


def event(
    kind: int, second: int, *, event_id: int = -1, played: bool = False, **fields: Any
) -> dict[str, Any]:
    timestamp = f"2026-11-23T04:53:{second:02}.7187378Z"
    return {
        "EventType": kind,
        **fields,
        "EventId": event_id,
        "IsPlayed": played,
        "Timestamp": timestamp,
    }


def execution_started(*, played: bool) -> dict[str, Any]:
    instance = {"InstanceId": "hello-1", "ExecutionId": "7c2a8011-07e7-44be-9257-894a3b64ee2b"}
    return event(
        0,
        1,
        played=played,
        OrchestrationInstance=instance,
        Name="HelloOrchestrator",
        Version=None,
        Input=None,
    )


def first_turn() -> list[dict[str, Any]]:
    return [event(12, 2), execution_started(played=False)]


def second_turn(message: dict[str, Any]) -> list[dict[str, Any]]:
    scheduled = event(4, 3, event_id=0, Name="HelloActivity", Version="", Input=None)
    return [
        event(12, 2),
        execution_started(played=True),
        scheduled,
        event(13, 4),
        event(12, 5),
        message,
    ]


def replay(history: list[dict[str, Any]]) -> dict[str, Any]:
    payload = {
        "history": history,
        "input": None,
        "instanceId": "hello-1",
        "isReplaying": history[1]["IsPlayed"],
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 3,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }
    response: dict[str, Any] = json.loads(HelloOrchestrator.main(json.dumps(payload)))
    return response


def test_the_first_turn_calls_the_activity_and_waits() -> None:
    response = replay(first_turn())
    assert response["isDone"] is False
    assert response["actions"] == [[SCHEDULED]]
    assert "output" not in response


@pytest.mark.parametrize("message", ["Hello World! from Linux", "", "Grüße, 世界"])
def test_the_result_of_the_activity_is_the_output(message: str) -> None:
    response = replay(second_turn(event(5, 4, TaskScheduledId=0, Result=json.dumps(message))))
    assert response["isDone"] is True
    assert response["actions"] == [[SCHEDULED]]
    assert response["output"] == message
    assert "error" not in response


def test_a_failed_activity_fails_the_orchestrator() -> None:
    failed = event(
        6, 4, TaskScheduledId=0, Reason="Activity function 'HelloActivity' failed: boom", Details=""
    )
    with pytest.raises(Exception, match="Activity function 'HelloActivity' failed: boom"):
        replay(second_turn(failed))


def test_a_turn_without_new_results_returns_the_same_actions() -> None:
    resumed = event(20, 5, Reason="")
    assert replay(second_turn(resumed)) == replay(first_turn())
