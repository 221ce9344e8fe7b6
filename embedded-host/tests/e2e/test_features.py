"""Tests of every durable feature over HTTP, in worker processes and in the host process."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.polling import eventually
from tests.support.running_host import RunningHost


def parse_time(text: str) -> datetime:
    """Parse a timestamp, and ignore the seventh digit of its fraction."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")


def history(host: RunningHost, links: dict[str, str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = host.status(links, showHistory="true", showHistoryOutput="true")[
        "historyEvents"
    ]
    return events


def test_an_http_function_returns_its_response(features: RunningHost) -> None:
    response = features.get("/api/greet?name=Ada")
    assert (response.status, response.text, response.headers["content-type"]) == (
        200,
        "hello Ada",
        "text/plain; charset=utf-8",
    )
    assert features.post("/api/greet").status == 404
    assert features.get("/api/nosuch").status == 404


def test_a_chain_passes_each_result_to_the_next_activity(features: RunningHost) -> None:
    assert features.run("Chain") == ["Tokyo", "Seattle", "London"]


def test_a_fan_out_collects_all_results(features: RunningHost) -> None:
    assert features.run("FanOut", 30) == list(range(30))


def test_task_any_returns_the_first_completed_task(features: RunningHost) -> None:
    assert features.run("FirstOf") == 0.01


def test_a_sub_orchestration_returns_its_output_to_its_parent(features: RunningHost) -> None:
    links = features.start("Parent")
    status = features.end(links)
    child, children = status["output"]
    assert child == {"n": 21, "parent": links["id"]}
    assert [c["n"] for c in children] == [2, 3]
    own = features.get(links["statusQueryGetUri"].replace(links["id"], links["id"] + "-child"))
    assert own.json["runtimeStatus"] == "Completed"


def test_a_failed_activity_fails_its_orchestrator(features: RunningHost) -> None:
    status = features.end(features.start("Failing"))
    assert status["runtimeStatus"] == "Failed"
    expected = (
        "Orchestrator function 'Failing' failed: Activity function 'Fail' failed: "
        "ValueError: activity failed: boom"
    )
    assert status["output"].startswith(expected)
    assert "activity failed: boom" in features.log


def test_the_failure_of_a_sub_orchestration_fails_its_parent(features: RunningHost) -> None:
    output = features.end(features.start("ParentOfFailing"))["output"]
    assert output.startswith(
        "Orchestrator function 'ParentOfFailing' failed: Orchestrator function 'Failing' failed: "
    )


def test_an_orchestrator_can_catch_the_failure_of_an_activity(features: RunningHost) -> None:
    assert features.run("Catching").startswith(
        "caught Activity function 'Fail' failed: ValueError: activity failed"
    )


def test_an_exception_of_an_orchestrator_is_its_output(features: RunningHost) -> None:
    status = features.end(features.start("Raising"))
    assert (status["runtimeStatus"], status["output"]) == (
        "Failed",
        "Orchestrator function 'Raising' failed: blew up",
    )


def test_an_activity_is_retried_until_it_succeeds(features: RunningHost, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    assert features.run("Retrying", str(attempts)) == "attempt 3"
    assert attempts.read_text() == "xxx"


def test_an_activity_fails_after_its_last_attempt(features: RunningHost, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    status = features.end(features.start("RetryingInVain", str(attempts)))
    assert status["runtimeStatus"] == "Failed"
    assert "RuntimeError: attempt 2" in status["output"]
    assert attempts.read_text() == "xx"


def test_durable_timers_fire_on_time(features: RunningHost) -> None:
    delays = [0.2, 0.3, 0.35, 0.4, 0.6, 0.0]
    started = [features.start("Timer", delay) for delay in delays]
    late: list[float] = []
    for links in started:
        features.end(links)
        events = {event["EventType"]: event for event in history(features, links)}
        ended, due = (
            parse_time(events["ExecutionCompleted"]["Timestamp"]),
            parse_time(events["TimerFired"]["FireAt"]),
        )
        late.append((ended - due).total_seconds())
    assert min(late) >= 0
    # Check the second smallest delay, because a busy machine may delay any timer.
    assert sorted(late)[1] <= 0.05, late
    assert max(late) < 2, late


def test_a_raised_event_completes_its_wait(features: RunningHost) -> None:
    links = features.start("Event")
    features.until(links, "Running")
    assert features.raise_event(links, "Approval", {"by": "Ada"}).status == 202
    assert features.end(links)["output"] == {"by": "Ada"}


def test_an_event_raised_before_its_wait_is_kept(features: RunningHost) -> None:
    links = features.start("Events", 3)
    for number in range(3):
        assert features.raise_event(links, "E", number).status == 202
    assert features.end(links)["output"] == [0, 1, 2]


def test_an_awaited_event_is_not_delivered_to_the_next_generation(features: RunningHost) -> None:
    links = features.start("EventsOfGenerations", 0)
    assert features.raise_event(links, "E", "first").status == 202
    eventually(lambda: features.status(links)["input"] in (1, "1"), "the second generation runs")
    assert features.raise_event(links, "E", "second").status == 202
    assert features.end(links)["output"] == [1, "second"]


def test_an_event_before_the_due_time_wins_against_a_timer(features: RunningHost) -> None:
    links = features.start("EventOrTimeout", 60)
    features.raise_event(links, "Approval", "yes")
    assert features.end(links, 5)["output"] == "yes"


def test_a_due_timer_wins_against_a_missing_event(features: RunningHost) -> None:
    assert features.run("EventOrTimeout", 0.1) == "timed out"


def test_continue_as_new_restarts_the_orchestrator_with_its_input(features: RunningHost) -> None:
    links = features.start("CountTo", [0, 12])
    status = features.end(links)
    assert (status["output"], status["input"]) == (12, "[12, 12]")
    kinds = [event["EventType"] for event in history(features, links)]
    assert kinds == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]


def test_the_custom_status_is_visible_while_the_instance_runs(features: RunningHost) -> None:
    links = features.start("CustomStatus")
    eventually(
        lambda: features.status(links)["customStatus"] == {"step": 1}, "the custom status is set"
    )
    features.raise_event(links, "go", None)
    assert features.end(links)["customStatus"] == "done"


def test_call_http_returns_the_response(features: RunningHost) -> None:
    assert features.run("CallHttp", f"{features.base}/api/greet?name=Bob") == [200, "hello Bob"]


def test_entities_keep_their_state_between_calls(features: RunningHost) -> None:
    assert features.run("CountWithEntity") == 8


def test_an_unknown_orchestrator_fails_its_instance(features: RunningHost) -> None:
    status = features.end(features.start("NoSuch"))
    assert status["runtimeStatus"] == "Failed"
    assert "The function 'NoSuch' doesn't exist" in status["output"]
