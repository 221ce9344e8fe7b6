"""Turns: the recorded events, the sent messages, and the end of an execution."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    CompletionEvent,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
    TimerFired,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Deliver, Message, StartActivity, StartOrchestration
from embedded_host.engine.orchestration import TurnSettings
from embedded_host.engine.status import Status
from embedded_host.engine.turn import CUSTOM_STATUS_LIMIT, turn
from embedded_host.protocols.v1 import parse_orchestrator_output
from embedded_host.protocols.v1.errors import OUT_OF_PROC_LABEL
from tests.engine.scenario import (
    FUNCTIONS,
    PARENT,
    T0,
    Scenario,
    activity,
    after,
    child,
    completed,
    delivered,
    entity_call,
    event,
    failure,
    kinds,
    raised,
    sdk_output,
    signal,
    suspended,
    terminated,
    timer,
    when_any,
)

# -- a turn ----------------------------------------------------------------------------------------


def test_a_turn_is_recorded_between_its_start_and_completion_events() -> None:
    main = Scenario()
    main.start(sdk_output(activity(), event("Go")))
    main.turn(sdk_output(activity(), event("Go")), completed(0))
    kind = [type(e).__name__ for e in main.state.history.events]
    assert kind == [
        *("OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorCompleted"),
        *("OrchestratorStarted", "TaskCompleted", "OrchestratorCompleted"),
    ]


def test_a_turn_does_not_change_its_instance() -> None:
    main = Scenario()
    main.start(sdk_output(activity()))
    before = replace(main.state)
    events = list(main.state.history.events)
    run = turn(main.state, [Message(completed(0))], main.settings, lambda: T0)
    next(run)
    with pytest.raises(StopIteration) as stopped:
        run.send(parse_orchestrator_output(sdk_output(activity(), done=True)))
    assert stopped.value.value.status is Status.COMPLETED
    assert main.state == before
    assert main.state.history.events == events


def test_an_activity_is_sent_with_its_input() -> None:
    [sent] = Scenario().start(sdk_output(activity("echo", '{"a": 1}'))).outgoing
    assert sent == StartActivity(0, "echo", '{"a": 1}', "execution-1")


def test_a_timer_is_a_message_to_the_instance_itself_at_the_due_time() -> None:
    [sent] = Scenario().start(sdk_output(timer(60))).outgoing
    assert isinstance(sent, Deliver)
    assert (sent.instance_id, sent.message.execution_id, sent.message.due) == (
        "main-1",
        "execution-1",
        after(60),
    )
    timer_fired = delivered(sent, TimerFired)
    assert (timer_fired.timer_id, timer_fired.fire_at) == (0, "2026-01-02T03:05:05Z")


def test_inputs_are_recorded_if_host_json_requires_it() -> None:
    main = Scenario(settings=TurnSettings(FUNCTIONS, store_inputs=True))
    main.start(sdk_output(when_any(activity(input='"x"'), child(input="1"))))
    assert main.last(TaskScheduled).input == '["\\"x\\""]'
    assert main.last(SubOrchestrationInstanceCreated).input == '"1"'


def test_the_custom_status_is_that_of_the_last_turn() -> None:
    main = Scenario()
    main.start(sdk_output(event("Go"), customStatus={"at": "é"}))
    assert main.state.custom_status == '{"at":"é"}'
    main.turn(sdk_output(event("Go")), raised("Other"))
    assert main.state.custom_status is None


@pytest.mark.parametrize(
    ("text", "fits"),
    [("x" * (CUSTOM_STATUS_LIMIT // 2 - 2), True), ("x" * (CUSTOM_STATUS_LIMIT // 2 - 1), False)],
)
def test_a_custom_status_over_the_limit_fails_the_instance(text: str, fits: bool) -> None:
    main = Scenario()
    main.start(sdk_output(event("Go"), customStatus=text))
    assert main.state.status is (Status.RUNNING if fits else Status.FAILED)
    assert fits or "16386 bytes of UTF-16" in str(main.state.output)


def test_a_surrogate_pair_counts_as_two_characters_of_the_custom_status() -> None:
    main = Scenario()
    main.start(sdk_output(event("Go"), customStatus="😀" * (CUSTOM_STATUS_LIMIT // 4)))
    assert main.state.status is Status.FAILED


# -- the end of an execution -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        (sdk_output(done=True, output={"a": [1, "é"]}), '{"a":[1,"é"]}'),
        (sdk_output(done=True), None),
        ("", None),
        (parse_orchestrator_output(sdk_output(done=True, output=1)), "1"),
    ],
)
def test_a_returned_value_completes_the_instance(returned: Any, output: str | None) -> None:
    main = Scenario()
    assert main.start(returned).outgoing == []
    assert (main.state.status, main.state.output) == (Status.COMPLETED, output)
    end = main.last(ExecutionCompleted)
    assert (end.event_id, end.orchestration_status, end.result) == (0, "Completed", output)
    assert main.state.execution is None


FAILURES: list[tuple[str, Any, str]] = [
    (
        "raised",
        failure("Exception", f"boom{OUT_OF_PROC_LABEL}" + json.dumps(sdk_output(error="boom"))),
        "boom",
    ),
    ("no generator", failure("KeyError", "'k'"), "KeyError: 'k'"),
    ("no generator, with its stack", failure("KeyError", "'k'", "Traceback"), "KeyError: 'k'"),
    (
        "label without an output",
        failure("Exception", f"a{OUT_OF_PROC_LABEL}x"),
        f"Exception: a{OUT_OF_PROC_LABEL}x",
    ),
    ("not JSON", "oops", "Out of proc orchestrators must return a valid JSON schema"),
    ("a list", "[]", "Out of proc orchestrators must return a valid JSON schema"),
    (
        "unknown action",
        sdk_output({"actionType": 99}),
        "the orchestrator returned an action that the host cannot read: {'actionType': 99}",
    ),
]


@pytest.mark.parametrize(
    ("returned", "text"), [c[1:] for c in FAILURES], ids=[c[0] for c in FAILURES]
)
def test_an_error_or_a_malformed_output_fails_the_instance(returned: Any, text: str) -> None:
    main = Scenario()
    main.start(returned)
    assert (main.state.status, main.state.output) == (
        Status.FAILED,
        f"Orchestrator function 'Main' failed: {text}",
    )
    assert main.steps == ["started", "completed 0"]


def test_actions_before_a_failure_are_performed() -> None:
    main = Scenario()
    raised_after = sdk_output(signal(), error="boom")
    result = main.start(failure("Exception", f"boom{OUT_OF_PROC_LABEL}" + json.dumps(raised_after)))
    assert main.steps == ["started", "event_sent 0", "completed 1"]
    assert kinds(result.outgoing) == ["Deliver"]


@pytest.mark.parametrize("functions", [FUNCTIONS, DurableFunctions()], ids=["others", "none"])
def test_an_unknown_orchestrator_fails_without_an_invocation(functions: DurableFunctions) -> None:
    main = Scenario(name="Missing", settings=TurnSettings(functions))
    main.start(sdk_output())
    assert main.payload is None
    known = (
        "The following are the known orchestrator functions: 'Main', 'Child'."
        if functions is FUNCTIONS
        else "No orchestrator functions are currently registered!"
    )
    assert main.state.output == (
        "Orchestrator function 'Missing' failed: The function 'Missing' doesn't exist, is "
        f"disabled, or is not an orchestrator function. Additional info: {known}"
    )
    assert main.steps == ["started", "completed 0"]


@pytest.mark.parametrize("text", ["", " ", "oops", "{", '"open'])
def test_an_input_that_is_not_json_fails_without_an_invocation(text: str) -> None:
    main = Scenario(input=text)
    main.start(sdk_output())
    assert main.payload is None
    assert main.state.output == (
        "Orchestrator function 'Main' failed: One or more errors occurred. "
        "(Exception while executing function: Functions.Main)"
    )


@pytest.mark.parametrize("reason", ["enough", None])
def test_a_request_to_terminate_ends_the_instance_with_its_reason(reason: str | None) -> None:
    main = Scenario()
    main.start(sdk_output(activity()))
    result = main.turn(sdk_output(activity()), completed(0), terminated(reason))
    assert (main.state.status, main.state.output) == (Status.TERMINATED, reason)
    assert main.steps[-3:] == ["task_completed 0", "terminated", "completed 1"]
    assert main.last(ExecutionCompleted).orchestration_status == "Terminated"
    assert result.outgoing == []


def test_a_suspended_instance_can_be_terminated() -> None:
    main = Scenario()
    main.start(sdk_output(activity()))
    main.turn(sdk_output(activity()), suspended())
    main.turn(sdk_output(activity()), terminated())
    assert main.state.status is Status.TERMINATED


CHILD_ENDS: list[tuple[str, Any, str, dict[str, Any]]] = [
    (
        "completed",
        sdk_output(done=True, output=7),
        "SubOrchestrationInstanceCompleted",
        {"result": "7"},
    ),
    (
        "failed",
        sdk_output(error="boom"),
        "SubOrchestrationInstanceFailed",
        {
            "reason": "Orchestrator function 'Child' failed: boom",
            "details": "Message: boom, StackTrace: ",
        },
    ),
]


@pytest.mark.parametrize(
    ("returned", "kind", "fields"), [c[1:] for c in CHILD_ENDS], ids=[c[0] for c in CHILD_ENDS]
)
def test_a_parent_receives_the_result_of_its_child(
    returned: Any, kind: str, fields: dict[str, Any]
) -> None:
    [sent] = Scenario("Child", parent=PARENT).start(returned).outgoing
    assert isinstance(sent, Deliver)
    assert (sent.instance_id, sent.message.execution_id) == ("parent-1", "parent-execution")
    assert type(sent.message.event).__name__ == kind
    assert {key: getattr(sent.message.event, key) for key in fields} == fields
    assert isinstance(sent.message.event, CompletionEvent)
    assert sent.message.event.scheduled_id == 4


def test_a_parent_receives_the_reason_of_a_terminated_child() -> None:
    child_scenario = Scenario("Child", parent=PARENT)
    child_scenario.start(sdk_output(activity()))
    [sent] = child_scenario.turn(sdk_output(activity()), terminated("enough")).outgoing
    assert delivered(sent, SubOrchestrationInstanceFailed).reason == "enough"


# -- sub-orchestrations ----------------------------------------------------------------------------


def test_a_sub_orchestration_is_started_with_its_input_and_parent() -> None:
    main = Scenario()
    main.start(sdk_output(event("Go"), child(name="child", input='{"a": 1}')))
    [sent] = main.turn(
        sdk_output(event("Go"), child(name="child", input='{"a": 1}')), raised("Go")
    ).outgoing
    assert isinstance(sent, StartOrchestration)
    assert (
        sent.instance_id
        == "execution-1:0"
        == main.last(SubOrchestrationInstanceCreated).instance_id
    )
    started = sent.started
    assert (started.name, started.input, started.generation) == ("Child", '"{\\"a\\": 1}"', None)
    assert started.parent_instance == h.parent_instance("Main", "main-1", "execution-1", 0)
    assert len(started.orchestration_instance.execution_id) == 32
    assert sent.if_taken is not None
    assert sent.if_taken.execution_id == "execution-1"
    refused = sent.if_taken.event
    assert isinstance(refused, SubOrchestrationInstanceFailed)
    assert refused.task_scheduled_id == 0
    assert "'execution-1:0' cannot be started" in (refused.reason or "")


@pytest.mark.parametrize(
    ("name", "instance_id", "reason"),
    [
        ("Missing", None, "The function 'Missing' doesn't exist"),
        ("Child", "main-1", "it is the id of the calling instance or of its parent"),
        ("Child", "parent-1", "it is the id of the calling instance or of its parent"),
        ("Child", "@x@y", "ids of entities start with '@'"),
    ],
)
def test_an_invalid_sub_orchestration_fails_the_call_and_not_the_parent(
    name: str, instance_id: str | None, reason: str
) -> None:
    main = Scenario(parent=PARENT)
    program = sdk_output(child(name, instance_id=instance_id))
    [sent] = main.start(program).outgoing
    assert main.state.status is Status.RUNNING
    reason = delivered(sent, SubOrchestrationInstanceFailed).reason or ""
    assert reason.startswith(f"Orchestrator function '{name}' failed: ")
    assert reason in reason


def test_an_unknown_activity_fails_the_call_and_not_the_instance() -> None:
    main = Scenario()
    [sent] = main.start(sdk_output(activity("Missing"))).outgoing
    assert main.steps == ["started", "task_scheduled 0"]
    assert delivered(sent, TaskFailed).reason == (
        "Activity function 'Missing' failed: ValueError: The function 'Missing' doesn't exist, is "
        "disabled, or is not an activity function. Additional info: The following are the known "
        "activity functions: 'Echo', 'Flaky'."
    )


# -- entities --------------------------------------------------------------------------------------


def test_operations_are_sent_with_labels_that_order_them() -> None:
    main = Scenario()
    first, second = main.start(sdk_output(signal(), entity_call(input='"5"'))).outgoing
    assert isinstance(first, Deliver)
    assert isinstance(second, Deliver)
    signal_request, call_request = (
        json.loads(delivered(sent, EventRaised).input or "") for sent in (first, second)
    )
    assert (first.instance_id, delivered(first, EventRaised).name, first.message.execution_id) == (
        "@counter@k",
        "op",
        None,
    )
    assert (
        signal_request["op"],
        signal_request["signal"],
        signal_request["input"],
        "signal" in call_request,
    ) == ("add", True, '"1"', False)
    assert (call_request["parent"], call_request["parentExecution"]) == ("main-1", "execution-1")
    assert (signal_request["Timestamp"], signal_request["Predecessor"]) == (
        "2026-01-02T03:04:05Z",
        "0001-01-01T00:00:00",
    )
    assert (call_request["Timestamp"], call_request["Predecessor"]) == (
        "2026-01-02T03:04:05.0000001",
        "2026-01-02T03:04:05Z",
    )
    assert signal_request["id"] != call_request["id"]


def test_a_scheduled_signal_is_delivered_at_its_time() -> None:
    [sent] = (
        Scenario()
        .start(sdk_output({**signal(), "actionType": 10, "fireAt": "2026-01-02T04:00:00Z"}))
        .outgoing
    )
    assert isinstance(sent, Deliver)
    assert sent.message.due == T0.replace(hour=4, minute=0, second=0)


def test_request_ids_are_the_same_on_replay() -> None:
    event_sent, replayed = (Scenario().start(sdk_output(entity_call())).events[2] for _ in range(2))
    assert isinstance(event_sent, EventSent)
    assert event_sent == replayed


def test_a_call_of_an_unknown_entity_fails_the_call_and_not_the_instance() -> None:
    main = Scenario()
    [sent] = main.start(sdk_output(entity_call("@missing@k"))).outgoing
    assert isinstance(sent, Deliver)
    assert sent.instance_id == "main-1"
    raised_event = delivered(sent, EventRaised)
    reply = json.loads(raised_event.input or "")
    assert reply["exceptionType"] == "Error"
    assert json.loads(reply["result"]).startswith("The function 'missing' doesn't exist")
    assert raised_event.name == json.loads(main.last(EventSent).input)["id"]


def test_a_signal_to_an_unknown_entity_fails_the_instance() -> None:
    main = Scenario()
    main.start(sdk_output(signal("@missing@k")))
    assert main.state.status is Status.FAILED
    assert "The following are the known entity functions: 'Counter'." in str(main.state.output)
