"""The management API and the SDK's client, over real HTTP."""

from __future__ import annotations

from uuid import uuid4

import pytest

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


@pytest.mark.parametrize("reason", ["enough", None])
def test_terminate(features: RunningHost, reason: str | None) -> None:
    links = features.start("Event")
    uri = links["terminatePostUri"]
    uri = uri.replace("{text}", reason) if reason else uri.replace("reason={text}&", "")
    assert features.post(uri).status == 202
    status = features.end(links)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", reason)
    assert features.post(uri).status == 410
    assert features.raise_event(links, "Approval", 1).status == 410


def test_an_unknown_instance(features: RunningHost) -> None:
    path = f"{MANAGEMENT}/instances/{uuid4().hex}"
    for method, tail in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/terminate"),
        ("POST", "/suspend"),
        ("POST", "/resume"),
    ):
        assert features.request(method, path + tail).status == 404


def test_status_options(features: RunningHost) -> None:
    links = features.start("Chain", {"a": 1})
    features.end(links)
    plain = features.status(links)
    assert list(plain) == [
        *("name", "instanceId", "runtimeStatus", "input", "customStatus", "output", "createdTime", "lastUpdatedTime")
    ]
    assert plain["input"] == '{"a": 1}'
    assert features.status(links, showInput="false")["input"] is None
    events = features.status(links, showHistory="true")["historyEvents"]
    assert [event["EventType"] for event in events] == [
        *("ExecutionStarted", "TaskCompleted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted")
    ]
    assert "Result" not in events[1]
    with_output = features.status(links, showHistory="true", showHistoryOutput="true")["historyEvents"]
    assert [event["Result"] for event in with_output[1:4]] == ["Tokyo", "Seattle", "London"]


def test_a_failure_can_be_asked_for_as_a_500(features: RunningHost) -> None:
    links = features.start("Raising")
    features.end(links)
    assert features.get(links["statusQueryGetUri"]).status == 200
    answer = features.get(links["statusQueryGetUri"] + "&returnInternalServerErrorOnFailure=true")
    assert (answer.status, answer.json["runtimeStatus"]) == (500, "Failed")


def test_a_running_instance_is_a_202_with_its_location(features: RunningHost) -> None:
    links = features.start("Event")
    answer = features.get(links["statusQueryGetUri"])
    assert answer.status == 202
    assert answer.headers["location"] == links["statusQueryGetUri"]
    assert answer.headers["retry-after"] == "5"


def test_prefer_wait_responds_once_the_instance_has_finished(features: RunningHost) -> None:
    links = features.start("EventOrTimeout", 0.5)
    answer = features.get(links["statusQueryGetUri"], Prefer="wait=20")
    assert answer.json["runtimeStatus"] == "Completed"
    assert answer.headers["preference-applied"] == "wait=20"


def test_prefer_wait_responds_after_its_time_while_the_instance_runs(features: RunningHost) -> None:
    links = features.start("Event")
    answer = features.get(links["statusQueryGetUri"], Prefer="respond-async, wait=1")
    assert (answer.status, answer.json["runtimeStatus"]) == (202, "Running")
    assert answer.headers["preference-applied"] == "wait=1"


def test_list_by_prefix_page_by_page(features: RunningHost) -> None:
    prefix = f"list-{uuid4().hex[:8]}-"
    for number in range(5):
        features.end(features.start("Chain", None, f"{prefix}{number}"))
    seen: list[str] = []
    token: dict[str, str] = {}
    pages = 0
    while True:
        page = features.get(f"{MANAGEMENT}/instances?instanceIdPrefix={prefix}&top=2", **token)
        seen += [status["instanceId"] for status in page.json]
        pages += 1
        if "x-ms-continuation-token" not in page.headers:
            break
        token = {"x-ms-continuation-token": page.headers["x-ms-continuation-token"]}
    assert seen == [f"{prefix}{number}" for number in range(5)]
    assert pages == 3


def test_list_by_status_and_time(features: RunningHost) -> None:
    prefix = f"filter-{uuid4().hex[:8]}-"
    features.end(features.start("Chain", None, prefix + "done"))
    waiting = features.start("Event", None, prefix + "waiting")
    features.until(waiting, "Running")

    def found(query: str) -> list[str]:
        page = features.get(f"{MANAGEMENT}/instances?instanceIdPrefix={prefix}&{query}")
        return [status["instanceId"].removeprefix(prefix) for status in page.json]

    assert found("runtimeStatus=Completed") == ["done"]
    assert found("runtimeStatus=Running,Completed") == ["done", "waiting"]
    assert found("createdTimeTo=2001-01-01T00:00:00Z") == []
    assert found("createdTimeFrom=2001-01-01T00:00:00Z") == ["done", "waiting"]


def test_purge(features: RunningHost) -> None:
    links = features.start("Chain")
    features.end(links)
    answer = features.delete(links["purgeHistoryDeleteUri"])
    assert (answer.status, answer.json) == (200, {"instancesDeleted": 1})
    assert features.get(links["statusQueryGetUri"]).status == 404
    assert features.delete(links["purgeHistoryDeleteUri"]).status == 404


def test_purge_of_a_running_one_is_refused(features: RunningHost) -> None:
    links = features.start("Event")
    features.until(links, "Running")
    answer = features.delete(links["purgeHistoryDeleteUri"])
    assert answer.status == 412
    assert links["id"] in answer.json
    assert features.status(links)["runtimeStatus"] == "Running"


def test_purge_by_filter_never_takes_a_running_one(features: RunningHost) -> None:
    # A time of their own, so that other tests' instances are not among them.
    waiting = features.start("Event")
    features.until(waiting, "Running")
    at = features.status(waiting)["createdTime"]
    answer = features.delete(f"{MANAGEMENT}/instances?createdTimeFrom={at}&createdTimeTo={at}&runtimeStatus=Running")
    assert answer.status == 400
    assert "only finished instances are purged" in answer.json
    assert features.status(waiting)["runtimeStatus"] == "Running"
    assert features.delete(f"{MANAGEMENT}/instances").status == 400


def test_start_over_the_management_api(features: RunningHost) -> None:
    answer = features.post(f"{MANAGEMENT}/orchestrators/FanOut/over%20http-{uuid4().hex}", 3)
    assert answer.status == 202
    assert answer.headers["location"] == answer.json["statusQueryGetUri"]
    assert features.end(answer.json)["runtimeStatus"] == "Failed"  # the SDK can only read a text here (contract, 3.1)
    assert features.post(f"{MANAGEMENT}/orchestrators/FanOut", "{not json").status == 400


def test_restart(features: RunningHost) -> None:
    links = features.start("FanOut", 2)
    features.end(links)
    again = features.post(links["restartPostUri"])
    assert again.status == 202
    assert again.json["id"] != links["id"]
    assert features.end(again.json)["output"] == [0, 1]


def test_a_taken_id_is_refused(features: RunningHost) -> None:
    links = features.start("Event", None, f"taken-{uuid4().hex}")
    answer = features.post(f"{MANAGEMENT}/orchestrators/Event/{links['id']}", "1")
    assert answer.status == 409


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
    raised = client(features, "raise_event", instance_id=instance_id, event_name="Approval", event_data={"ok": 1})
    assert raised.status == 200
    assert features.end(links)["output"] == '{"ok": 1}'  # the SDK encodes an event's data twice (contract, 5.1)
    gone = client(features, "raise_event", instance_id=instance_id, event_name="Approval", event_data=1)
    assert gone.text == f"Instance with ID {instance_id} is gone: either completed or failed"
    assert client(features, "terminate", instance_id=instance_id, reason="late").status == 200
    assert client(features, "restart", instance_id=instance_id).json["id"] != instance_id
    assert client(features, "purge_instance_history", instance_id=instance_id).json == 1
    assert client(features, "purge_instance_history", instance_id=instance_id).json == 0


def test_the_client_waits_for_completion(features: RunningHost) -> None:
    links = features.start("EventOrTimeout", 0.3)
    answer = client(features, "wait", id=links["id"])
    assert (answer.status, answer.text) == (200, "timed out")
