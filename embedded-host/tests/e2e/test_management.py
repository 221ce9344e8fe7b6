"""The management API and the SDK's client, over real HTTP."""

from __future__ import annotations

from uuid import uuid4

from tests.support.running_host import MANAGEMENT, HttpReply, RunningHost


def client(host: RunningHost, call: str, **given: object) -> HttpReply:
    """A call of the SDK's client, made in an HTTP function; 418 and the text if it raises."""
    return host.post(f"/api/client/{call}", given)


def test_suspend_and_resume(features: RunningHost) -> None:
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


def test_prefer_wait_responds_after_its_time_while_the_instance_runs(features: RunningHost) -> None:
    links = features.start("Event")
    answer = features.get(links["statusQueryGetUri"], Prefer="respond-async, wait=1")
    assert (answer.status, answer.json["runtimeStatus"]) == (202, "Running")
    assert answer.headers["preference-applied"] == "wait=1"


def test_start_over_the_management_api(features: RunningHost) -> None:
    answer = features.post(f"{MANAGEMENT}/orchestrators/FanOut/over%20http-{uuid4().hex}", 3)
    assert answer.status == 202
    assert answer.headers["location"] == answer.json["statusQueryGetUri"]
    assert (
        features.end(answer.json)["runtimeStatus"] == "Failed"
    )  # the SDK can only read a text here (functions-host.md#orchestration-trigger-payload)
    assert features.post(f"{MANAGEMENT}/orchestrators/FanOut", "{not json").status == 400


# -- the SDK's client ------------------------------------------------------------------------------


def test_the_clients_calls(features: RunningHost) -> None:
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
    answer = client(features, "wait", id=links["id"])
    assert (answer.status, answer.text) == (200, "timed out")
