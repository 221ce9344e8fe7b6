"""Orchestrators of SDK 2.x in memory: each turn has the result of a replay by the SDK itself."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import weakref
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask import task
from durabletask.worker import TaskHubGrpcWorker, _OrchestrationExecutor
from google.protobuf.json_format import MessageToDict

from embedded_worker.protocol import CallLineData
from embedded_worker.sdk2.history_events import EventJson, history_events
from embedded_worker.sdk2.sessions import OrchestratorSession, has_session_hooks

ROOT = Path(__file__).parent
Event = dict[str, Any]
Steps = Generator[Any, Any, Any]


def event(kind: int, id: int = -1, **fields: Any) -> Event:
    return {"EventType": kind, "EventId": id, "Timestamp": "2026-11-29T21:35:49.5Z", **fields}


def scheduled(id: int) -> Event:
    return event(4, id, Name="A")


def completed(id: int, result: str = "1") -> Event:
    return event(5, TaskScheduledId=id, Result=result)


def raised(name: str, input: str) -> Event:
    return event(15, Name=name, Input=input)


SUSPEND, RESUME = event(19, Reason=None), event(20, Reason=None)


class Turns:
    """Runs turns in one session, and compares each response with that of the SDK's executor."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.worker = TaskHubGrpcWorker(emit_trace_spans=False)
        self.worker._registry.add_named_orchestrator("Main", function)
        self.session: OrchestratorSession | None = None
        self.history: list[Event] = []
        self.replayed = True
        """False if the session and the SDK differ on purpose."""

    def __call__(
        self, *new: Event, past: list[Event] | None = None, input: str | None = None
    ) -> dict[str, Any]:
        """Run a turn. ``past`` are the events that the host recorded at the end of the last one."""
        started = [event(12), *new]
        if self.session is None:
            instance = {"InstanceId": "i", "ExecutionId": "e"}
            main = event(0, Name="Main", Input=input, OrchestrationInstance=instance)
            started = [event(12), main, *new]
            self.session = OrchestratorSession(
                self.function,
                lambda name: self.worker,
                json.dumps({"instanceId": "i", "executionId": "e", "past": [], "new": started}),
                ROOT,
            )
            text = self.session.run_turn()
        else:
            text = self.session.run_turn(json.dumps({"past": past or [], "new": started}))
        before = [*self.history, *(past or [])]
        self.history = [*before, *started]
        assert self.session.seen == len(self.history)
        response: dict[str, Any] = json.loads(text)
        if self.replayed:
            executor = _OrchestrationExecutor(
                self.worker._registry, self.worker._logger, self.worker._data_converter
            )
            result = executor.execute("i", _messages(before), _messages(started))
            actions = [MessageToDict(action) for action in result.actions]
            assert _without_stacks(response.get("actions", [])) == _without_stacks(actions)
            assert response.get("customStatus") == result.encoded_custom_status
        return response


def _messages(events: list[Event]) -> list[pb.HistoryEvent]:
    return history_events(cast("list[EventJson]", events))


def _without_stacks(actions: list[Any]) -> Any:
    text = re.sub(r'"stackTrace": "(\\.|[^"\\])*"', '"stackTrace": ""', json.dumps(actions))
    return json.loads(text)


def only(response: dict[str, Any]) -> dict[str, Any]:
    [action] = response["actions"]
    completion: dict[str, Any] = action["completeOrchestration"]
    return completion


def test_durabletask_has_the_hooks_of_sessions() -> None:
    class WithoutSpans(TaskHubGrpcWorker):
        def __init__(self) -> None:
            super().__init__(emit_trace_spans=False)

    assert has_session_hooks(WithoutSpans)


def test_a_chain_runs_only_its_new_part_in_each_turn() -> None:
    calls = []

    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        results = []
        for number in range(3):
            calls.append(number)
            results.append((yield ctx.call_activity("A", input=number)))
        return results

    turns = Turns(main)
    turns.replayed = False
    assert turns()["actions"] == [{"id": 1, "scheduleTask": {"name": "A", "input": "0"}}]
    turns(completed(1), past=[scheduled(1), event(13)])
    turns(completed(2), past=[scheduled(2), event(13)])
    last = turns(completed(3), past=[scheduled(3), event(13)])
    assert only(last)["result"] == "[1, 1, 1]"
    assert calls == [0, 1, 2]
    assert turns.session is not None
    assert turns.session.finished


def test_several_events_in_one_turn_and_several_turns_are_equal() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        ctx.set_custom_status({"a": 1})
        both = yield task.when_all([ctx.call_activity("A"), ctx.call_activity("A")])
        ctx.set_custom_status(None)
        yield ctx.create_timer(timedelta(seconds=5))
        raise ValueError(f"boom {both}")

    turns = Turns(main)
    assert turns()["customStatus"] == '{"a": 1}'
    assert "actions" not in turns(completed(2, "2"), past=[scheduled(1), scheduled(2)])
    assert "createTimer" in turns(completed(1))["actions"][0]
    fired = event(11, TimerId=3, FireAt="2026-11-29T21:35:54.5Z")
    created = event(10, 3, FireAt="2026-11-29T21:35:54.5Z")
    failure = only(turns(fired, past=[created]))["failureDetails"]
    assert failure["errorMessage"] == "boom [1, 2]"
    assert "embedded_worker" not in failure["stackTrace"].replace(__file__, "")
    assert f'File "{__file__}"' in failure["stackTrace"]


def test_the_stack_of_a_failure_has_only_frames_of_the_app() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("A")
        raise ValueError("boom")

    turns = Turns(main)
    turns()
    stack = only(turns(completed(1), past=[scheduled(1)]))["failureDetails"]["stackTrace"]
    assert re.findall(r'File "(.*)", line \d+, in (.*)', stack) == [(__file__, "main")]


def test_a_difference_from_the_history_has_no_stack() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("A")

    turns = Turns(main)
    turns()
    other = event(4, 1, Name="Other")
    failure = only(turns(completed(1), past=[other]))["failureDetails"]
    assert failure["errorType"].endswith("NonDeterminismError")
    assert not failure["stackTrace"]


def test_a_failed_activity_is_caught() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        try:
            yield ctx.call_activity("A")
        except task.TaskFailedError as error:
            return error.details.message

    turns = Turns(main)
    turns()
    failed = event(6, TaskScheduledId=1, FailureDetails={"ErrorType": "E", "ErrorMessage": "why"})
    assert only(turns(failed, past=[scheduled(1)]))["result"] == '"why"'


def test_a_retry_schedules_the_same_id_again() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        policy = task.RetryPolicy(
            first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3
        )
        return (yield ctx.call_activity("A", retry_policy=policy))

    turns = Turns(main)
    turns()
    failed = event(6, TaskScheduledId=1, FailureDetails={"ErrorType": "E", "ErrorMessage": "why"})
    assert turns(failed, past=[scheduled(1)])["actions"][0]["id"] == 2
    created = event(10, 2, FireAt="2026-11-29T21:35:50.5Z")
    fired = event(11, TimerId=2, FireAt="2026-11-29T21:35:50.5Z")
    [again] = turns(fired, past=[created])["actions"]
    assert (again["id"], again["scheduleTask"]["name"]) == (1, "A")
    assert only(turns(completed(1), past=[scheduled(1)]))["result"] == "1"


def test_an_unknown_method_is_reported_with_the_class_of_the_sdk() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        assert f"{type(ctx).__module__}.{type(ctx).__qualname__}" == (
            "durabletask.worker._RuntimeOrchestrationContext"
        )
        yield cast("Any", ctx).call_http("GET", "http://localhost")

    failure = only(Turns(main)())["failureDetails"]
    assert failure["errorMessage"] == (
        "'_RuntimeOrchestrationContext' object has no attribute 'call_http'"
    )


def test_events_that_nothing_waits_for_are_reported_until_they_are_consumed() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.wait_for_external_event("Go")
        yield ctx.wait_for_external_event("Early")
        yield ctx.wait_for_external_event("Last")

    turns = Turns(main)
    assert "undeliveredEvents" not in turns()
    assert [name.lower() for name in turns(raised("Early", "1"))["undeliveredEvents"]] == ["early"]
    after = turns(raised("Go", "2"))
    assert after["awaitedEvents"] == ["Last"]
    assert "undeliveredEvents" not in after


def test_events_wait_while_the_instance_is_suspended() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        first = yield ctx.wait_for_external_event("Go")
        second = yield ctx.wait_for_external_event("Stop")
        return [first, second]

    turns = Turns(main)
    assert turns()["awaitedEvents"] == ["Go"]
    turns(SUSPEND)
    assert turns(raised("GO", "1"))["awaitedEvents"] == ["Go"]
    assert turns(raised("stop", "2"))["awaitedEvents"] == ["Go"]
    last = turns(RESUME)
    assert only(last)["result"] == "[1, 2]"
    assert last["awaitedEvents"] == []


def test_a_second_suspension_has_no_effect() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        first = yield ctx.wait_for_external_event("E")
        return [first, (yield ctx.wait_for_external_event("E"))]

    turns = Turns(main)
    turns()
    turns.replayed = False  # the SDK never ends the turn of the resumption
    turns(SUSPEND, SUSPEND, raised("E", "1"))
    turns(SUSPEND)
    assert only(turns(RESUME, raised("E", "2")))["result"] == "[1, 2]"


def test_a_decision_in_the_turn_of_a_suspension_is_not_repeated() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.wait_for_external_event("E")
        return (yield ctx.call_activity("A"))

    turns = Turns(main)
    turns()
    assert len(turns(raised("E", "1"), SUSPEND)["actions"]) == 1
    turns.replayed = False  # the SDK decides again
    assert "actions" not in turns(raised("E", "2"), past=[scheduled(1), event(13)])
    assert "actions" not in turns(completed(1, "7"))
    assert only(turns(RESUME))["result"] == "7"


def test_continue_as_new_carries_events_over() -> None:
    def main(ctx: task.OrchestrationContext, number: int | None) -> Steps:
        yield ctx.wait_for_external_event("E")
        ctx.continue_as_new((number or 0) + 1, save_events=True)

    turns = Turns(main)
    turns(input="4")
    done = only(turns(raised("E", "1"), raised("e", "2")))
    assert done["orchestrationStatus"] == "ORCHESTRATION_STATUS_CONTINUED_AS_NEW"
    assert done["result"] == "5"
    [carried] = done["carryoverEvents"]
    assert carried["eventRaised"] == {"name": "e", "input": "2"}
    assert turns.session is not None
    assert turns.session.finished


def test_a_new_input_that_is_not_json_fails_the_instance() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> None:
        ctx.continue_as_new(object())

    turns = Turns(main)
    turns.replayed = False  # the executor raises, and its caller fails the instance
    [action] = turns()["actions"]
    assert action["id"] == -1
    assert action["completeOrchestration"]["orchestrationStatus"] == "ORCHESTRATION_STATUS_FAILED"
    assert turns.session is not None
    assert turns.session.finished


def test_a_terminated_instance_ends() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.wait_for_external_event("E")

    turns = Turns(main)
    turns()
    done = turns(event(3, Input='"why"'))
    assert only(done)["orchestrationStatus"] == "ORCHESTRATION_STATUS_TERMINATED"


def test_another_call_than_in_the_history_fails_the_instance() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("B")

    turns = Turns(main)
    turns()
    failure = only(turns(completed(1), past=[scheduled(1)]))["failureDetails"]
    assert failure["errorType"] == "durabletask.task.NonDeterminismError"


def test_a_call_that_depends_on_the_replay_is_found() -> None:
    """The session is not kept after a new line has read is_replaying, so the next turn replays."""

    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("B" if ctx.is_replaying else "A")

    turns = Turns(main)
    turns()
    assert turns.session is not None
    assert turns.session.finished


def test_a_line_that_only_logs_is_confirmed_by_one_replay() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        for _number in range(9):
            if not ctx.is_replaying:
                pass
            yield ctx.call_activity("A")

    first = Turns(main)
    first()
    assert first.session is not None
    assert first.session.finished
    history = [*first.history, scheduled(1)]
    new = [event(12), completed(1)]
    payload = {"instanceId": "i", "executionId": "e", "past": history, "new": new}
    replay = OrchestratorSession(main, lambda name: first.worker, json.dumps(payload), ROOT)
    replay.run_turn()
    assert not replay.finished
    other = Turns(main)
    other()
    assert other.session is not None
    assert not other.session.finished


def test_a_rewind_is_left_to_the_sdk() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("A")

    turns = Turns(main)
    turns()
    assert turns.session is not None
    failed = event(6, TaskScheduledId=1, Reason="r")
    ended = event(1, OrchestrationStatus="Failed", Result=None)
    past = [*turns.history, scheduled(1), event(12), failed, ended]
    new = [event(12), event(21, Reason="again")]
    payload = {"instanceId": "i", "executionId": "e", "past": past, "new": new}
    session = OrchestratorSession(main, lambda name: turns.worker, json.dumps(payload), ROOT)
    [action] = json.loads(session.run_turn())["actions"]
    kinds = {key for e in action["rewindOrchestration"]["newHistory"] for key in e}
    assert "executionRewound" in kinds
    assert "taskFailed" not in kinds
    assert session.finished


def test_the_host_may_decline_to_keep_the_session() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("A")

    turns = Turns(main)
    turns()
    payload = {"instanceId": "i", "executionId": "e", "past": [], "new": turns.history}
    for keep in (True, False):
        session = OrchestratorSession(
            main, lambda name: turns.worker, json.dumps({**payload, "keep": keep}), ROOT
        )
        session.run_turn()
        assert session.finished is not keep


def test_closing_a_session_frees_its_memory() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        timer = ctx.create_timer(timedelta(seconds=5))
        wait = ctx.wait_for_external_event("E")
        yield task.when_any([timer, wait])

    turns = Turns(main)
    turns()
    session, turns.session = turns.session, None
    assert session is not None
    alive = weakref.ref(session._context)
    gc.collect()
    gc.disable()
    try:
        session.close()
        del session
        assert alive() is None
    finally:
        gc.enable()


def test_an_orchestrator_may_replace_the_attributes_of_its_context() -> None:
    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        wait = ctx.wait_for_external_event("E")
        for name in list(vars(ctx)):
            setattr(ctx, name, None)
        yield wait

    turns = Turns(main)
    with contextlib.suppress(AttributeError, TypeError):
        turns()
    assert turns.session is not None
    turns.session.close()


# -- lines of calls --------------------------------------------------------------------------------


def _two_calls(ctx: task.OrchestrationContext, _: Any) -> Steps:
    yield ctx.call_activity("A", input=1)
    yield ctx.call_activity("B" if ctx.is_replaying else "A", input=2)


def _relative(lines: CallLineData | None) -> tuple[dict[int, int], str]:
    """Return the line of each call relative to the function, and of the wait."""
    assert lines is not None
    name, first = f"{Path(__file__).name} line ", _two_calls.__code__.co_firstlineno
    calls = {id: int(line.removeprefix(name)) - first for id, line in lines.calls}
    return calls, lines.waits and str(int(lines.waits.removeprefix(name)) - first)


def _session(past: list[Event], new: list[Event], *, reports_lines: bool) -> OrchestratorSession:
    worker = TaskHubGrpcWorker(emit_trace_spans=False)
    worker._registry.add_named_orchestrator("Main", _two_calls)
    payload = {"instanceId": "i", "executionId": "e", "past": past, "new": new}
    session = OrchestratorSession(_two_calls, lambda name: worker, json.dumps(payload), ROOT)
    if reports_lines:
        session.report_lines()
    session.run_turn()
    return session


INSTANCE = {"InstanceId": "i", "ExecutionId": "e"}
STARTED = event(0, Name="Main", OrchestrationInstance=INSTANCE)


def test_a_session_reports_the_lines_of_its_calls() -> None:
    session = _session([], [event(12), STARTED], reports_lines=True)
    assert _relative(session.lines) == ({1: 1}, "1")
    assert session.lines is not None
    assert session.lines.differs_at == -1
    assert _session([], [event(12), STARTED], reports_lines=False).lines is None


def test_a_session_reports_the_recorded_call_that_its_replay_does_not_make() -> None:
    past = [event(12), STARTED, scheduled(1), event(12), completed(1), scheduled(2)]
    session = _session(past, [event(12), completed(2)], reports_lines=True)
    assert session.lines is not None
    assert session.lines.differs_at == 2
    calls, _ = _relative(session.lines)
    assert (calls[1], calls[2]) == (1, 2)
