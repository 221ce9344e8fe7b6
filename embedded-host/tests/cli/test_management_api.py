"""Requests of the client, and responses of programs that are not Functions hosts.

``test_recorded_host`` tests responses of the Azure Functions host.
"""

from __future__ import annotations

import json

import pytest

from tests.cli.calling import call
from tests.support.recorded_host import SYSTEM_KEY, RecordedHost


@pytest.fixture(autouse=True)
def key_in_environment(no_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_HOST_CODE", SYSTEM_KEY)


def test_each_command_sends_its_request(recorded_host: RecordedHost) -> None:
    recorded_host.respond("GET", "/instances", 200, [], **{"x-ms-continuation-token": "more"})
    listed = call(
        *(
            "get-instances",
            "--url",
            recorded_host.url,
            "--created-after",
            "01/31/2026 13:00",
            "--created-before",
            "2026-02-01",
        ),
        *(
            "--runtime-status",
            "running",
            "FAILED",
            "--top",
            7,
            "--continuation-token",
            "t",
            "--task-hub-name",
            "H",
        ),
        *("--connection-string-setting", "Second", "--json"),
    )
    assert listed.json["continuationToken"] == "more"
    _, _, query, headers, _ = recorded_host.requests[0]
    assert query == {
        "createdTimeFrom": "2026-01-31T13:00:00Z",
        "createdTimeTo": "2026-02-01T00:00:00Z",
        "runtimeStatus": "Running,Failed",
        "top": "7",
        "showInput": "false",
        "taskHub": "H",
        "connection": "Second",
    }
    assert headers["x-ms-continuation-token"] == "t"
    assert len(recorded_host.requests) == 2, "a repeated token ends the list"


def test_a_purge_requests_only_finished_instances(
    recorded_host: RecordedHost,
) -> None:
    recorded_host.respond("GET", "/instances", 200, [])
    recorded_host.respond("DELETE", "/instances", 200, {"instancesDeleted": 3})
    purged = call("purge-history", "--yes", "--url", recorded_host.url)
    assert purged.out == "Deleted 3 instances.\n"
    assert recorded_host.requests[-1][2] == {
        "createdTimeFrom": "1970-01-01T00:00:00Z",
        "runtimeStatus": "Completed,Failed,Terminated,Canceled",
    }


@pytest.mark.parametrize(
    ("status", "text", "problem"),
    [
        (
            500,
            json.dumps({"Message": "Something went wrong", "ExceptionMessage": "the disk is full"}),
            "the disk is full",
        ),
        (503, "<html>\x1b[31m\x07\x9b2J</html>", "returned HTTP 503: <html>"),
        (200, "<html>", "The host returned a response that is not JSON"),
        (404, "", "has no management API of Durable Functions"),
    ],
)
def test_unexpected_responses_are_reported(
    recorded_host: RecordedHost, status: int, text: str, problem: str
) -> None:
    for path in ("/instances", "/instances/a"):
        recorded_host.respond_with_text("GET", path, status, text)
    for arguments in (["get-instances"], ["get-runtime-status", "--id", "a"]):
        called = call(*arguments, "--url", recorded_host.url)
        assert (called.code, called.out) == (1, "")
        assert problem in called.err
        assert all(line.isprintable() for line in called.err.split("\n")), (
            "the terminal gets no control characters"
        )


def test_a_history_that_the_functions_host_cannot_return_is_explained(
    recorded_host: RecordedHost,
) -> None:
    """The Azure Functions host cannot return the history of a retried call of SDK 2.x."""
    message = "An item with the same key has already been added. Key: TaskScheduled_1"
    recorded_host.respond("GET", "/instances/a", 400, {"ExceptionMessage": message})
    called = call("get-history", "--id", "a", "--url", recorded_host.url)
    assert called.code == 1
    assert "cannot return the history of 'a', because a call was retried" in called.err
    assert message in call("get-runtime-status", "--id", "a", "--url", recorded_host.url).err


def test_a_refused_change_of_a_running_instance_is_not_reported_as_finished(
    recorded_host: RecordedHost,
) -> None:
    recorded_host.respond("POST", "/instances/a/terminate", 404)
    recorded_host.respond("GET", "/instances/a", 202, {"runtimeStatus": "Running"})
    called = call("terminate", "--id", "a", "--url", recorded_host.url)
    assert called.code == 1
    assert f"{recorded_host.url} returned HTTP 404 without a message." in called.err
