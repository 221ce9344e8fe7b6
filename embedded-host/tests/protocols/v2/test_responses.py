from __future__ import annotations

import msgspec
import pytest

from embedded_host.protocols.v2.responses import decode_response


def test_missing_fields_have_the_defaults_of_protobuf() -> None:
    response = decode_response("{}")
    assert (response.actions, response.custom_status, response.awaited_events) == ([], None, [])
    assert response.undelivered_events == []
    [action] = decode_response('{"actions": [{"id": 3, "scheduleTask": {}}]}').actions
    assert action.schedule_task is not None
    assert (action.id, action.schedule_task.name, action.schedule_task.input) == (3, "", None)
    assert action.create_timer is None


def test_unknown_fields_are_ignored() -> None:
    response = decode_response('{"new": 1, "actions": [{"id": 1, "later": {"x": 1}}]}')
    assert response.actions[0].id == 1


def test_nested_failures_are_decoded() -> None:
    text = (
        '{"actions": [{"completeOrchestration": {"failureDetails": '
        '{"errorType": "A", "innerFailure": {"errorType": "B", "innerFailure": {}}}}}]}'
    )
    action = decode_response(text).actions[0].complete_orchestration
    assert action is not None
    assert action.failure_details is not None
    inner = action.failure_details.inner_failure
    assert inner is not None
    assert (inner.error_type, inner.inner_failure is not None) == ("B", True)


@pytest.mark.parametrize("text", ["[]", '{"actions": {}}', '{"actions": [{"id": null}]}', "no"])
def test_another_form_is_an_error(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_response(text)
