"""Messages between orchestrations and entities (functions-host.md#effects-of-actions)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    EntityId,
    OperationRequest,
    OutgoingLabels,
    request_message,
    response_message,
)
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


@pytest.mark.parametrize("text", ["", "@", "counter@k", "@@k"])
def test_an_invalid_entity_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid entity id"):
        EntityId.parse(text)


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


def test_each_label_names_its_predecessor() -> None:
    labels = OutgoingLabels([])
    first = labels.next("@a@b", after(0))
    again = labels.next("@a@b", after(0))
    other = labels.next("@a@c", after(0))
    later = labels.next("@a@b", after(1))
    earlier = labels.next("@a@b", after(0.5))
    assert first == ("2026-01-02T03:04:05Z", "0001-01-01T00:00:00")
    assert again == ("2026-01-02T03:04:05.0000001", first[0])
    assert other == ("2026-01-02T03:04:05Z", "0001-01-01T00:00:00")
    assert later == ("2026-01-02T03:04:06Z", again[0])
    assert earlier == ("2026-01-02T03:04:06.0000001", later[0])


def test_labels_continue_from_the_history() -> None:
    sent = request_message(
        request_id="r",
        operation="add",
        input=None,
        signal=True,
        now=T0,
        label=("2026-01-02T03:04:05.0000009", ""),
    )
    labels = OutgoingLabels([h.event_sent(T0, 0, "@a@b", "op", sent), h.orchestrator_completed(T0)])
    assert labels.next("@a@b", T0) == ("2026-01-02T03:04:05.000001", "2026-01-02T03:04:05.0000009")
