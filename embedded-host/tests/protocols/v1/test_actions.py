from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions.models.RetryOptions import RetryOptions

from embedded_host.engine.actions import (
    Action,
    CallActivity,
    CallHttp,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    EntityOperation,
    RetryPolicy,
    WaitForEvent,
    WhenAll,
    WhenAny,
)
from embedded_host.engine.invocations import OrchestratorOutput
from embedded_host.protocols.v1 import MalformedOutputError, parse_orchestrator_output
from tests.engine import scenario as s

POLICY = RetryPolicy(timedelta(seconds=1), 3)
WITHOUT_INPUT = {"actionType": 7, "instanceId": "@a@b"}

READ: list[tuple[str, dict[str, Any], Action]] = [
    ("0", s.activity("A", '"x"'), CallActivity("A", '"x"')),
    (
        "0, null input",
        {"actionType": 0, "functionName": "A", "input": None},
        CallActivity("A", "null"),
    ),
    (
        "0, input not a string",
        {"actionType": 0, "functionName": "A", "input": {"é": 1}},
        CallActivity("A", '{"é":1}'),
    ),
    ("1", s.retried("A"), CallActivity("A", "null", POLICY)),
    (
        "2",
        {**s.child("C", "1", "id-1"), "version": "1.0"},
        CallSubOrchestrator("C", "1", "id-1", "1.0"),
    ),
    ("2, blank id", s.child("C", "1", "  "), CallSubOrchestrator("C", "1", None)),
    ("3", s.retried_child(3), CallSubOrchestrator("Child", "null", None, None, POLICY)),
    ("4", s.continue_as_new("2"), ContinueAsNew("2")),
    ("5", s.timer(60), CreateTimer(s.after(60))),
    (
        "5, cancelled",
        s.timer(0.000001, cancelled=True),
        CreateTimer(s.after(0.000001), cancelled=True),
    ),
    ("6", s.event("Go"), WaitForEvent("Go")),
    ("7", s.entity_call("@a@b", "op", "1"), EntityOperation("@a@b", "op", "1", signal=False)),
    ("7, bare", WITHOUT_INPUT, EntityOperation("@a@b", "", None, signal=False)),
    (
        "8",
        s.http_call("http://x/"),
        CallHttp('{"method":"GET","uri":"http://x/","content":null,"headers":null}'),
    ),
    ("9", s.signal("@a@b", "op"), EntityOperation("@a@b", "op", "1", signal=True)),
    (
        "10",
        {**s.signal("@a@b", "op"), "actionType": 10, "fireAt": s.sdk_time(9)},
        EntityOperation("@a@b", "op", "1", signal=True, fire_at=s.after(9)),
    ),
    (
        "11",
        s.when_any(s.event("A"), s.timer(1)),
        WhenAny((WaitForEvent("A"), CreateTimer(s.after(1)))),
    ),
    ("12", s.when_all(s.when_any()), WhenAll((WhenAny(()),))),
    ("by name", {**s.event("Go"), "actionType": "waitForExternalEvent"}, WaitForEvent("Go")),
]


@pytest.mark.parametrize(("raw", "action"), [c[1:] for c in READ], ids=[c[0] for c in READ])
def test_each_action_is_parsed(raw: dict[str, Any], action: Action) -> None:
    assert parse_orchestrator_output(json.dumps(s.sdk_output(raw))).actions == (action,)


MALFORMED: list[tuple[str, Any, str]] = [
    ("not JSON", "oops", "must return a valid JSON schema"),
    ("a number", "7", "must return a valid JSON schema"),
    ("actions not a list", {"actions": {"a": 1}}, "are not a list of lists"),
    ("actions not lists", {"actions": [s.activity()]}, "are not a list of lists"),
    ("two lists", {"schemaVersion": 2, "actions": [[], []]}, "more than one list"),
    ("no type", s.sdk_output({}), "returned an action that the host cannot read: {}"),
    ("unknown number", s.sdk_output({"actionType": 13}), "host cannot read: {'actionType': 13}"),
    (
        "unknown name",
        s.sdk_output({"actionType": "Nap"}),
        "host cannot read: {'actionType': 'Nap'}",
    ),
    ("no name", s.sdk_output({"actionType": 0}), "host cannot read"),
    ("no date", s.sdk_output({"actionType": 5, "fireAt": "soon"}), "host cannot read"),
    ("not an object", s.sdk_output("nap"), "host cannot read: nap"),
    ("inside", s.sdk_output(s.when_all({"actionType": 5})), "host cannot read"),
    (
        "too long",
        s.sdk_output(s.retried(first_ms=10**18)),
        "'firstRetryIntervalInMilliseconds': 1000000000000000000",
    ),
    ("endless", s.sdk_output(s.retried(first_ms=float("inf"))), "host cannot read"),  # type: ignore[arg-type]
    ("no attempts", s.sdk_output(s.retried(attempts=float("nan"))), "host cannot read"),  # type: ignore[arg-type]
    ("half an attempt", s.sdk_output(s.retried(attempts=2.5)), "host cannot read"),  # type: ignore[arg-type]
    (
        "past 32 bits",
        s.sdk_output(s.when_any(s.retried(attempts=2**31))),
        "'maxNumberOfAttempts': 2147483648",
    ),
    ("no id", s.sdk_output({**s.child("C"), "instanceId": ["i"]}), "host cannot read"),
    ("no number", s.sdk_output(s.retried(attempts="many")), "host cannot read"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(
    ("document", "message"), [c[1:] for c in MALFORMED], ids=[c[0] for c in MALFORMED]
)
def test_malformed_output_is_described_in_the_error(document: Any, message: str) -> None:
    with pytest.raises(MalformedOutputError) as caught:
        parse_orchestrator_output(document)
    assert message in str(caught.value)


def test_a_numeric_instance_id_becomes_a_string() -> None:
    (action,) = parse_orchestrator_output(s.sdk_output({**s.child("C"), "instanceId": 5})).actions
    assert isinstance(action, CallSubOrchestrator)
    assert action.instance_id == "5"


def test_lone_surrogates_in_names_and_errors_are_escaped() -> None:
    text = json.dumps(
        {
            "isDone": True,
            "actions": [[s.activity("a\ud800")]],
            "output": "b\udc00",
            "error": "c\ud800",
        }
    )
    output = parse_orchestrator_output(text)
    assert output == OrchestratorOutput(
        True, (CallActivity(r"a\ud800", "null"),), r'"b\udc00"', r"c\ud800"
    )


def test_lone_surrogates_in_a_parsed_output_are_escaped() -> None:
    document = {
        "isDone": False,
        "actions": [[s.activity("a\ud800")]],
        "error": "c\ud800",
        "customStatus": "\ud800",
    }
    output = parse_orchestrator_output(document)
    assert output == OrchestratorOutput(
        False, (CallActivity(r"a\ud800", "null"),), None, r"c\ud800", r'"\ud800"'
    )


@pytest.mark.parametrize("empty", [None, "", "  ", b"", "null"])
def test_an_empty_output_completes_the_orchestration(empty: Any) -> None:
    assert parse_orchestrator_output(empty) == OrchestratorOutput(is_done=True, actions=())


def test_output_error_and_custom_status_are_encoded() -> None:
    assert parse_orchestrator_output(
        s.sdk_output(done=True, output=[1, {"a": "é"}], error="boom", customStatus=False)
    ) == OrchestratorOutput(
        is_done=True, actions=(), output='[1,{"a":"é"}]', error="boom", custom_status="false"
    )
    assert parse_orchestrator_output({"schemaVersion": 2}) == OrchestratorOutput(
        is_done=False, actions=()
    )


def test_the_first_schema_has_a_list_for_each_yield() -> None:
    document = {"isDone": False, "actions": [[s.activity("A")], [s.event("E"), s.timer(1)], []]}
    assert parse_orchestrator_output(document).actions == (
        CallActivity("A", "null"),
        WhenAny((WaitForEvent("E"), CreateTimer(s.after(1)))),
    )


def test_retry_options_of_the_sdk_are_parsed() -> None:
    options = RetryOptions(250, 4).to_json()
    action = {"actionType": 1, "functionName": "A", "input": "null", "retryOptions": options}
    [read] = parse_orchestrator_output(s.sdk_output(action)).actions
    assert read == CallActivity("A", "null", RetryPolicy(timedelta(milliseconds=250), 4))
