from __future__ import annotations

import io
import re
import sys
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from embedded_host.cli.reader import InstanceStatus
from embedded_host.cli.timeline import bars, draw, folded_bars
from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import format_utc
from embedded_host.management.status import history_events
from embedded_host.store.interface import AppendHistory
from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.cli.states import after, completed_history, instance, started, write_state
from tests.support.recorded_turns import recorded_history
from tests.support.running_host import RunningHost


def status(events: list[HistoryEvent], runtime_status: str) -> InstanceStatus:
    api_events = history_events(events, show_output=True, show_input=True)
    return InstanceStatus(
        {
            "name": "Order",
            "instanceId": "o-1",
            "runtimeStatus": runtime_status,
            "historyEvents": api_events,
        }
    )


def drawn_bars(
    events: list[HistoryEvent], runtime_status: str
) -> list[tuple[str, str, float, float | None, str]]:
    start = after(0)
    return [
        (
            bar.kind,
            bar.name,
            (bar.start - start).total_seconds(),
            None if bar.end is None else (bar.end - start).total_seconds(),
            bar.outcome,
        )
        for bar in bars(status(events, runtime_status), events)
    ]


def test_the_bars_of_a_finished_instance_have_ends() -> None:
    assert drawn_bars(completed_history(), "Completed") == [
        ("orchestration", "Order", 0, 9, "Completed"),
        ("activity", "Charge", 1, 3, "Completed"),
        ("timer", "timer", 2, 4, "Completed"),
        ("event", "Approval", 5, 5, "Completed"),
    ]


def test_the_bars_of_open_calls_have_no_end() -> None:
    events = [
        started(),
        h.task_scheduled(after(1), 0, "Charge"),
        h.task_failed(after(2), 0, "no", None),
        h.task_scheduled(after(3), 1, "Charge"),
        h.sub_orchestration_created(after(3), 2, "Child", "c", None),
        h.timer_created(after(4), 3, after(60)),
        h.execution_suspended(after(5), None),
        h.execution_resumed(after(6), None),
        h.execution_suspended(after(7), None),
    ]
    assert drawn_bars(events, "Suspended") == [
        ("orchestration", "Order", 0, None, "Suspended"),
        ("activity", "Charge", 1, 2, "Failed"),
        ("activity", "Charge", 3, None, "Running"),
        ("subOrchestration", "Child", 3, None, "Running"),
        ("timer", "timer due 2026-01-02T03:05:05Z", 4, None, "Running"),
        ("suspended", "suspended", 5, 6, "Suspended"),
        ("suspended", "suspended", 7, None, "Suspended"),
    ]


def test_a_timer_that_has_not_fired_is_canceled_at_the_end() -> None:
    events = [
        started(),
        h.timer_created(after(1), 0, after(60)),
        h.execution_completed(after(2), 1, "Completed", "1"),
    ]
    timer = drawn_bars(events, "Completed")[1]
    assert timer[2:] == (1, 2, "Canceled")


def test_a_response_of_an_entity_has_no_bar() -> None:
    events = [
        started(),
        h.event_raised(after(1), str(uuid4()), "{}"),
        h.event_raised(after(1), "go", None),
    ]
    assert [bar[1] for bar in drawn_bars(events, "Running")] == ["Order", "go"]


def test_each_attempt_of_sdk_2x_has_a_bar() -> None:
    events = recorded_history("NativeRetry")
    chart = bars(status(events, "Running"), events)
    assert [(bar.kind, bar.name, bar.outcome) for bar in chart[1:]] == [
        ("activity", "Flaky", "Failed"),
        ("timer", "timer", "Completed"),
        ("activity", "Flaky", "Failed"),
        ("timer", "timer", "Completed"),
        ("activity", "Flaky", "Completed"),
    ]


def test_a_lock_request_has_a_bar_until_the_entities_are_locked() -> None:
    events = recorded_history("NativeLock")
    [_, lock] = bars(status(events, "Running"), events)
    ids = ", ".join(f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab")
    assert (lock.kind, lock.label, lock.outcome) == ("lock", f"lock of {ids}", "Completed")
    [_, lock] = bars(status(events[:4], "Running"), events[:4])
    assert (lock.end, lock.outcome) == (None, "Running")


def test_an_event_for_another_instance_has_a_mark() -> None:
    events = [started(), h.event_sent(after(1), 1, "other", "Approval", "1")]
    assert drawn_bars(events, "Running")[1] == (
        "sentEvent",
        "Approval to other",
        1,
        1,
        "Completed",
    )


def test_a_pending_instance_has_no_bars() -> None:
    assert bars(InstanceStatus({"name": "Order", "runtimeStatus": "Pending"}), []) == []


@pytest.mark.parametrize(("encoding", "marks"), [("utf-8", "█░◆"), ("ascii", "#-*")])
def test_the_chart_uses_characters_that_the_console_can_encode(
    monkeypatch: pytest.MonkeyPatch, encoding: str, marks: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    draw(bars(status(completed_history(), "Completed"), completed_history()), after(9))
    stream.seek(0)
    lines = stream.read().splitlines()
    full, light, point = list(marks)
    assert lines[0].endswith("9.0 s  " + full * 40)
    assert lines[1].split()[:6] == ["Charge", "7", "Completed", "+1.0", "s", "2.0"]
    assert lines[1].endswith("  " + " " * 4 + full * 9)
    assert lines[2].endswith("  " + " " * 8 + light * 9)
    assert lines[3].endswith(point)


def fan_out(failed: int, count: int = 5) -> list[HistoryEvent]:
    """Return the history of ``count`` activities, of which one fails."""
    events = [h.orchestrator_started(after(0)), started()]
    events += [h.task_scheduled(after(1), id, "Step", compact([str(id)])) for id in range(count)]
    for id in range(count):
        done = (
            h.task_failed(after(3), id, "boom", None)
            if id == failed
            else h.task_completed(after(2), id, "1")
        )
        events += [h.orchestrator_started(after(4)), done]
    return events


def test_steps_of_a_turn_with_the_same_name_share_a_bar_followed_by_the_failed_steps() -> None:
    events = fan_out(failed=3)
    chart = folded_bars(status(events, "Running"), events)
    assert [(bar.label, bar.group, bar.outcome, bar.level) for bar in chart[1:]] == [
        ("Step x 5", "4 ok, 1 failed, p50 1.0 s, max 2.0 s", "Failed", 1),
        ("Step 3", "", "Failed", 2),
    ]
    assert [bar.label for bar in bars(status(events, "Running"), events)[1:]] == [
        f"Step {number}" for number in range(5)
    ]


def test_the_attempts_of_a_call_share_a_bar_until_it_has_ended() -> None:
    events = [
        h.orchestrator_started(after(0)),
        started(),
        h.task_scheduled(after(1), 0, "Charge"),
        h.task_failed(after(2), 0, "no", None),
        h.orchestrator_started(after(2)),
        h.timer_created(after(2), 1, after(9), retry_of=0),
    ]
    [_, charge] = folded_bars(status(events, "Running"), events)
    assert (charge.end, charge.outcome) == (None, "Running")
    events += [
        h.orchestrator_started(after(9)),
        h.timer_fired(after(2), 1, after(9)),
        h.task_scheduled(after(9), 2, "Charge"),
        h.task_completed(after(10), 2, "1"),
    ]
    [_, charge] = folded_bars(status(events, "Running"), events)
    assert (charge.label, charge.start, charge.end) == ("Charge (2 attempts)", after(1), after(10))


def test_the_time_in_a_queue_is_drawn_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    completed = replace(h.task_completed(after(9), 0, "1"), started_at=format_utc(after(5)))
    events = [started(), h.task_scheduled(after(1), 0, "Step"), completed]
    draw(bars(status(events, "Running"), events), after(9))
    [_, line] = capsys.readouterr().out.splitlines()
    assert re.search(r" ([┄-])\1{17}([█#])\2{17}$", line)


def test_the_options_show_failed_steps_only_and_each_attempt(tmp_path: Path) -> None:
    events = [*fan_out(2), h.execution_completed(after(5), 9, "Failed", "boom")]
    state = write_state(
        tmp_path, instance(1, "f", "Failed", "boom"), AppendHistory(1, 0, tuple(events))
    )
    run = partial(call, "timeline", "--id", "f", "--state", state)
    lines = [line.strip().split("  ")[0] for line in run("--failed").out.splitlines()]
    assert lines == ["Order", "Step x 5", "4 ok, 1 failed, p50 1.0 s, max 2.0 s", "Step 2"]
    assert len(run("--unfold").out.splitlines()) == 6
    documents = run("--failed", "--json").json["bars"]
    assert [document.get("input") for document in documents] == [None, "2"]


@pytest.mark.process
def test_an_instance_of_a_running_host_is_drawn(host: RunningHost, call_host: CallHost) -> None:
    links = host.start("Parent", None, uuid4().hex)
    host.end(links)
    document = call_host("timeline", "--id", links["id"], "--json").json
    assert list(document) == ["instanceId", "runtimeStatus", "bars"]
    assert list(document["bars"][0]) == ["kind", "name", "start", "end", "seconds", "outcome"]
    assert [bar["kind"] for bar in document["bars"]] == ["orchestration", *["subOrchestration"] * 3]
    children = [bar["instanceId"] for bar in document["bars"][1:]]
    assert [
        host.get(f"/runtime/webhooks/durabletask/instances/{id}").json["parentInstanceId"]
        for id in children
    ] == [links["id"]] * 3
    assert all(bar["seconds"] >= 0 and bar["outcome"] == "Completed" for bar in document["bars"])
    lines = call_host("timeline", "--id", links["id"]).out.splitlines()
    assert len(lines) == 4
    assert all(f"({id})" in line for id, line in zip(children, lines[1:], strict=True))


def test_an_instance_of_a_state_file_is_drawn(state: Path) -> None:
    document = call("timeline", "--id", "c", "--state", state, "--json").json
    assert [(bar["name"], bar["outcome"]) for bar in document["bars"]] == [
        ("Order", "Running"),
        ("Ship", "Running"),
    ]
