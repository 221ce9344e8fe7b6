"""Tests of the management API and the durable client over HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.running_host import MANAGEMENT, HttpReply, RunningHost


def client(host: RunningHost, call: str, **given: object) -> HttpReply:
    """Call the durable client in an HTTP function.

    If the client raises an exception, the function returns status 418 and the message.
    """
    return host.post(f"/api/client/{call}", given)


def test_a_suspended_instance_continues_after_resume(features: RunningHost) -> None:
    links = features.start("Event")
    features.until(links, "Running")
    assert features.post(links["suspendPostUri"].replace("{text}", "lunch")).status == 202
    assert features.until(links, "Suspended")["output"] == "lunch"
    assert features.post(links["suspendPostUri"]).status == 500
    assert features.raise_event(links, "Approval", "held").status == 202
    assert features.status(links)["runtimeStatus"] == "Suspended"
    assert features.post(links["resumePostUri"].replace("{text}", "back")).status == 202
    assert features.end(links)["output"] == "held"
    assert features.post(links["resumePostUri"]).status == 410


def test_prefer_wait_returns_202_after_the_time_while_the_instance_runs(
    features: RunningHost,
) -> None:
    links = features.start("Event")
    response = features.get(links["statusQueryGetUri"], Prefer="respond-async, wait=1")
    assert (response.status, response.json["runtimeStatus"]) == (202, "Running")
    assert response.headers["preference-applied"] == "wait=1"


def test_the_management_api_starts_instances(features: RunningHost) -> None:
    response = features.post(f"{MANAGEMENT}/orchestrators/FanOut/over%20http-{uuid4().hex}", 3)
    assert response.status == 202
    assert response.headers["location"] == response.json["statusQueryGetUri"]
    assert (
        features.end(response.json)["runtimeStatus"] == "Failed"
    )  # the SDK can read only a string here (functions-host.md#orchestration-trigger-payload)
    assert features.post(f"{MANAGEMENT}/orchestrators/FanOut", "{not json").status == 400


# -- the durable client ----------------------------------------------------------------------------


@pytest.mark.needs_durable("1.2.9", "suspend and resume")
def test_the_durable_client_manages_instances(features: RunningHost) -> None:
    instance_id = f"client-{uuid4().hex}"
    assert client(features, "get_status", instance_id=instance_id).json["runtimeStatus"] is None
    links = features.start("Event", {"x": 1}, instance_id)
    features.until(links, "Running")
    status = client(features, "get_status", instance_id=instance_id, show_history=True).json
    assert (status["runtimeStatus"], status["instanceId"]) == ("Running", instance_id)
    assert instance_id in client(features, "get_status_by", status=["Running"]).json
    assert client(features, "suspend", instance_id=instance_id, reason="r").status == 200
    features.until(links, "Suspended")
    assert client(features, "resume", instance_id=instance_id, reason="r").status == 200
    features.until(links, "Running")
    raised = client(
        features,
        "raise_event",
        instance_id=instance_id,
        event_name="Approval",
        event_data={"ok": 1},
    )
    assert raised.status == 200
    assert (
        features.end(links)["output"] == '{"ok": 1}'
    )  # the SDK encodes an event's data twice (functions-host.md#encoding-per-hop)
    gone = client(
        features, "raise_event", instance_id=instance_id, event_name="Approval", event_data=1
    )
    assert gone.text == f"Instance with ID {instance_id} is gone: either completed or failed"
    assert client(features, "terminate", instance_id=instance_id, reason="late").status == 200
    assert client(features, "restart", instance_id=instance_id).json["id"] != instance_id
    assert client(features, "purge_instance_history", instance_id=instance_id).json == 1
    assert client(features, "purge_instance_history", instance_id=instance_id).json == 0


def test_the_client_waits_for_completion(features: RunningHost) -> None:
    links = features.start("EventOrTimeout", 0.3)
    response = client(features, "wait", id=links["id"])
    assert (response.status, response.text) == (200, "timed out")
