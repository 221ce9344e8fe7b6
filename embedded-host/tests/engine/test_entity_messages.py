"""Messages between orchestrations and entities (functions-host.md#effects-of-actions)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.entity_messages import (
    LOCKED,
    EntityId,
    LockRelease,
    LockRequest,
    OperationRequest,
    OperationResponse,
    lock_request_message,
    parse_message,
    release_message,
    request_message,
    response_message,
)
from embedded_host.engine.failures import operation_failure
from tests.engine.scenario import T0, after

NAMESPACE = "Microsoft.Azure.WebJobs.Extensions.DurableTask"


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("@counter@k", EntityId("counter", "k")),
        ("@Counter@K", EntityId("counter", "K")),
        ("@counter@", EntityId("counter", "")),
        ("@counter@a@b", EntityId("counter", "a@b")),
    ],
)
def test_entity_ids_are_parsed_with_a_lower_case_name(text: str, id: EntityId) -> None:
    assert EntityId.parse(text) == id
    assert EntityId.parse(str(id)) == id
    assert EntityId.is_valid(text)


@pytest.mark.parametrize("text", ["", "@", "counter@k", "@@k"])
def test_an_invalid_entity_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid entity id"):
        EntityId.parse(text)
    assert not EntityId.is_valid(text)


def test_the_message_of_a_call_has_the_recorded_keys() -> None:
    text = request_message(
        request_id="r",
        operation="add",
        input='"5"',
        signal=False,
        now=after(0.5),
        parent="p",
        parent_execution="e",
        label=("T", "P"),
    )
    assert list(json.loads(text).items()) == [
        ("$type", f"{NAMESPACE}.RequestMessage, {NAMESPACE}"),
        ("op", "add"),
        ("input", '"5"'),
        ("id", "r"),
        ("parent", "p"),
        ("parentExecution", "e"),
        ("Timestamp", "T"),
        ("Predecessor", "P"),
        ("requestTime", "2026-01-02T03:04:05.5+00:00"),
    ]
    assert OperationRequest.parse(text) == OperationRequest("r", "add", '"5"', False, "p", "e")


def test_the_message_of_a_clients_signal_has_no_sender() -> None:
    text = request_message(request_id="r", operation="", input=None, signal=True, now=T0)
    assert list(json.loads(text)) == ["$type", "op", "signal", "id", "requestTime"]
    assert OperationRequest.parse(text) == OperationRequest("r", "", None, True)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            5,
            None,
            [],
            "x",
            {},
            {"id": 5},
            {"id": "r", "op": 5},
            {"id": "r", "input": {}},
            {"id": "r", "parent": 7},
        ),
        {"id": "r", "parent": "p", "parentExecution": []},
    ],
)
def test_an_invalid_operation_is_refused(raw: Any) -> None:
    """A client may raise an event with the name of operations."""
    with pytest.raises(ValueError, match="not a valid operation"):
        OperationRequest.parse(json.dumps(raw))


def test_an_operation_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid operation"):
        OperationRequest.parse("[" * 100_000 + "]" * 100_000)


def test_lone_surrogates_of_an_operation_are_escaped() -> None:
    text = json.dumps({"id": "r\ud800", "op": "o\ud800", "parent": "p\ud800"})
    assert OperationRequest.parse(text) == OperationRequest(
        r"r\ud800", r"o\ud800", None, False, r"p\ud800"
    )


def test_responses_have_the_recorded_keys() -> None:
    assert json.loads(response_message("1", False)) == {
        "$type": f"{NAMESPACE}.ResponseMessage, {NAMESPACE}",
        "result": "1",
    }
    assert json.loads(response_message('"boom"', True))["exceptionType"] == "Error"


# -- SDK 2.x ---------------------------------------------------------------------------------------

NO_LABEL = '"Timestamp":"0001-01-01T00:00:00","Predecessor":"0001-01-01T00:00:00"'
LOCK = (
    '{"op":null,"id":"4b2aee4b","parent":"i-1",'
    f"{NO_LABEL},"
    '"lockset":[{"name":"tally","key":"a"},{"name":"tally","key":"b@c"}]}'
)
RELEASED = f'{{"op":null,"id":"4b2aee4b","parent":"i-1",{NO_LABEL}}}'


def test_the_requests_of_sdk_2_are_those_of_the_recording() -> None:
    call = request_message(
        request_id="0cc5",
        operation="add",
        input="10",
        signal=False,
        now=T0,
        parent="i-1",
        parent_execution="e",
        protocol=2,
    )
    assert call == f'{{"op":"add","input":"10","id":"0cc5","parent":"i-1",{NO_LABEL}}}'
    signal = request_message(
        request_id="3e60", operation="add", input="5", signal=True, now=T0, parent="p", protocol=2
    )
    assert signal == f'{{"op":"add","signal":true,"input":"5","id":"3e60",{NO_LABEL}}}'


def test_the_messages_of_locks_are_those_of_the_recording() -> None:
    lock_set = ["@tally@a", "@tally@b@c"]
    text = lock_request_message(request_id="4b2aee4b", parent="i-1", lock_set=lock_set)
    assert text == LOCK
    assert release_message(request_id="4b2aee4b", parent="i-1") == RELEASED
    assert json.loads(LOCKED) == {"result": "Lock Acquisition Completed"}
    with pytest.raises(ValueError, match="not a valid entity id"):
        lock_request_message(request_id="x", parent="i-1", lock_set=["tally"])


def test_the_responses_of_sdk_2_are_those_of_the_recording() -> None:
    assert response_message("10", False, protocol=2) == '{"result":"10"}'
    assert response_message(None, False, protocol=2) == '{"result":null}'
    details = operation_failure("tally exploded", "builtins.ValueError", "<stack>")
    assert response_message(None, True, protocol=2, details=details) == (
        '{"result":null,"failureDetails":{"ErrorType":"builtins.ValueError",'
        '"ErrorMessage":"tally exploded","StackTrace":"<stack>","InnerFailure":null,'
        '"IsNonRetriable":false,"Properties":{}}}'
    )
    without_details = json.loads(response_message('"a: b"', True, protocol=2))
    assert without_details["failureDetails"]["ErrorMessage"] == "b"


def test_a_response_of_sdk_2_is_parsed() -> None:
    failed = response_message(None, True, protocol=2, details=operation_failure("boom", "E"))
    assert OperationResponse.parse(failed) == OperationResponse('"boom"', True)
    assert OperationResponse.parse('{"result":"10"}') == OperationResponse("10", False)


def test_messages_for_entities_are_parsed() -> None:
    lock = LockRequest("4b2aee4b", "i-1", (EntityId("tally", "a"), EntityId("tally", "b@c")))
    assert parse_message("op", LOCK) == lock
    assert parse_message("release", RELEASED) == LockRelease("4b2aee4b", "i-1")
    following = lock.next
    assert following is not None
    assert following.position == 1
    assert following.next is None
    text = lock_request_message(
        request_id=lock.id, parent=lock.parent, lock_set=list(map(str, lock.lock_set)), position=1
    )
    assert parse_message("op", text) == following
    operation = request_message(
        request_id="r", operation="add", input='{"lockset": []}', signal=True, now=T0
    )
    assert parse_message("op", operation) == OperationRequest("r", "add", '{"lockset": []}', True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Go", LOCK),
        ("op", None),
        ("op", LOCK.replace('"i-1"', "7")),
        ("op", LOCK.replace('"i-1"', "null")),
        ("op", LOCK.replace('"name":"tally"', '"name":7')),
        ("op", LOCK.replace('"key":"a"', '"key":null')),
        ("op", LOCK.replace('{"name":"tally","key":"a"}', "7")),
        ("op", LOCK.replace('"lockset":', '"pos":2,"lockset":')),
        ("op", LOCK.replace('"lockset":', '"pos":-1,"lockset":')),
        ("op", LOCK.replace('"lockset":', '"pos":"0","lockset":')),
        ("op", '{"id":"x","parent":"i-1","lockset":[]}'),
        ("release", None),
        ("release", '{"id":"x"}'),
        ("release", '{"parent":"x"}'),
        ("release", "[" * 100_000),
    ],
)
def test_other_messages_are_refused(name: str, text: str | None) -> None:
    with pytest.raises(ValueError, match=r"valid|message|Expecting"):
        parse_message(name, text)
