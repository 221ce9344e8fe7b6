"""Every durable feature over real HTTP, with functions in worker processes and in the host's own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.polling import eventually
from tests.support.running_host import RunningHost


def moment(text: str) -> datetime:
    """With microseconds; the seventh digit is cut."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")


def history(host: RunningHost, links: dict[str, str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = host.status(links, showHistory="true", showHistoryOutput="true")[
        "historyEvents"
    ]
    return events


def test_an_http_function(features: RunningHost) -> None:
    answer = features.get("/api/greet?name=Ada")
    assert (answer.status, answer.text, answer.headers["content-type"]) == (
        200,
        "hello Ada",
        "text/plain; charset=utf-8",
    )
    assert features.post("/api/greet").status == 404
    assert features.get("/api/nosuch").status == 404


def test_chain(features: RunningHost) -> None:
    assert features.run("Chain") == ["Tokyo", "Seattle", "London"]


def test_fan_out_and_in(features: RunningHost) -> None:
    assert features.run("FanOut", 30) == list(range(30))


def test_the_first_of_two(features: RunningHost) -> None:
    assert features.run("FirstOf") == 0.01


def test_sub_orchestrations(features: RunningHost) -> None:
    links = features.start("Parent")
    status = features.end(links)
    child, children = status["output"]
    assert child == {"n": 21, "parent": links["id"]}
    assert [c["n"] for c in children] == [2, 3]
    own = features.get(links["statusQueryGetUri"].replace(links["id"], links["id"] + "-child"))
    assert own.json["runtimeStatus"] == "Completed"


def test_an_activity_that_fails(features: RunningHost) -> None:
    status = features.end(features.start("Failing"))
    assert status["runtimeStatus"] == "Failed"
    expected = "Orchestrator function 'Failing' failed: Activity function 'Fail' failed: ValueError: activity failed: boom"
    assert status["output"].startswith(expected)
    assert "activity failed: boom" in features.log


def test_a_failure_comes_up_through_a_sub_orchestration(features: RunningHost) -> None:
    output = features.end(features.start("ParentOfFailing"))["output"]
    assert output.startswith(
        "Orchestrator function 'ParentOfFailing' failed: Orchestrator function 'Failing' failed: "
    )


def test_a_failure_can_be_caught(features: RunningHost) -> None:
    assert features.run("Catching").startswith(
        "caught Activity function 'Fail' failed: ValueError: activity failed"
    )


def test_an_orchestrator_that_fails(features: RunningHost) -> None:
    status = features.end(features.start("Raising"))
    assert (status["runtimeStatus"], status["output"]) == (
        "Failed",
        "Orchestrator function 'Raising' failed: blew up",
    )


def test_retry(features: RunningHost, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    assert features.run("Retrying", str(attempts)) == "attempt 3"
    assert attempts.read_text() == "xxx"


def test_retry_in_vain(features: RunningHost, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    status = features.end(features.start("RetryingInVain", str(attempts)))
    assert status["runtimeStatus"] == "Failed"
    assert "RuntimeError: attempt 2" in status["output"]
    assert attempts.read_text() == "xx"


def test_timers_are_never_early_and_hardly_late(features: RunningHost) -> None:
    delays = [0.2, 0.3, 0.35, 0.4, 0.6, 0.0]
    started = [features.start("Timer", delay) for delay in delays]
    late: list[float] = []
    for links in started:
        features.end(links)
        events = {event["EventType"]: event for event in history(features, links)}
        ended, due = (
            moment(events["ExecutionCompleted"]["Timestamp"]),
            moment(events["TimerFired"]["FireAt"]),
        )
        late.append((ended - due).total_seconds())
    assert min(late) >= 0
    # The best of them: a busy machine may delay any one.
    assert sorted(late)[1] <= 0.05, late
    assert max(late) < 2, late


def test_an_event_that_is_waited_for(features: RunningHost) -> None:
    links = features.start("Event")
    features.until(links, "Running")
    assert features.raise_event(links, "Approval", {"by": "Ada"}).status == 202
    assert features.end(links)["output"] == {"by": "Ada"}


def test_events_that_come_before_they_are_waited_for(features: RunningHost) -> None:
    links = features.start("Events", 3)
    for number in range(3):
        assert features.raise_event(links, "E", number).status == 202
    assert features.end(links)["output"] == [0, 1, 2]


def test_an_event_beats_a_timer(features: RunningHost) -> None:
    links = features.start("EventOrTimeout", 60)
    features.raise_event(links, "Approval", "yes")
    assert features.end(links, 5)["output"] == "yes"


def test_a_timer_beats_an_event(features: RunningHost) -> None:
    assert features.run("EventOrTimeout", 0.1) == "timed out"


def test_continue_as_new(features: RunningHost) -> None:
    links = features.start("CountTo", [0, 12])
    status = features.end(links)
    assert (status["output"], status["input"]) == (12, "[12, 12]")
    kinds = [event["EventType"] for event in history(features, links)]
    assert kinds == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]


def test_custom_status(features: RunningHost) -> None:
    links = features.start("CustomStatus")
    eventually(
        lambda: features.status(links)["customStatus"] == {"step": 1}, "the custom status is set"
    )
    features.raise_event(links, "go", None)
    assert features.end(links)["customStatus"] == "done"


def test_call_http(features: RunningHost) -> None:
    assert features.run("CallHttp", f"{features.base}/api/greet?name=Bob") == [200, "hello Bob"]


def test_entities(features: RunningHost) -> None:
    assert features.run("CountWithEntity") == 8


def test_an_orchestrator_that_is_not_there(features: RunningHost) -> None:
    status = features.end(features.start("NoSuch"))
    assert status["runtimeStatus"] == "Failed"
    assert "The function 'NoSuch' doesn't exist" in status["output"]
