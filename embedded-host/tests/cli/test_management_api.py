"""Requests of the client, and responses that no Functions host gives; recorded ones are in ``test_real_host``."""

from __future__ import annotations

import json

import pytest

from tests.cli.calling import call
from tests.support.functions_host_double import SYSTEM_KEY, FunctionsHostDouble


@pytest.fixture(autouse=True)
def key_in_environment(no_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_HOST_CODE", SYSTEM_KEY)


def test_each_command_sends_its_request(real: FunctionsHostDouble) -> None:
    real.responds("GET", "/instances", 200, [], **{"x-ms-continuation-token": "more"})
    listed = call(
        *(
            "get-instances",
            "--url",
            real.url,
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
    _, _, query, headers, _ = real.requests[0]
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
    assert len(real.requests) == 2, "a host that gives the same token again is not asked for ever"


def test_a_purge_names_the_statuses_so_that_nothing_that_runs_is_deleted(
    real: FunctionsHostDouble,
) -> None:
    real.responds("DELETE", "/instances", 200, {"instancesDeleted": 3})
    assert call("purge-history", "--url", real.url).out == "Deleted 3 instances.\n"
    assert real.requests[-1][2] == {
        "createdTimeFrom": "1970-01-01T00:00:00Z",
        "runtimeStatus": "Completed,Failed,Terminated,Canceled",
    }


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (
            500,
            json.dumps({"Message": "Something went wrong", "ExceptionMessage": "the disk is full"}),
            "the disk is full",
        ),
        (503, "<html>\x1b[31m\x07\x9b2J</html>", "refused with status 503"),
        (200, "<html>", "answered with what is not JSON"),
        (404, "", "what answers there is another program"),
    ],
)
def test_unexpected_responses_are_reported(
    real: FunctionsHostDouble, status: int, text: str, told: str
) -> None:
    for path in ("/instances", "/instances/a"):
        real.responds_with_text("GET", path, status, text)
    for arguments in (["get-instances"], ["get-runtime-status", "--id", "a"]):
        called = call(*arguments, "--url", real.url)
        assert (called.code, called.out) == (1, "")
        assert told in called.err
        assert all(line.isprintable() for line in called.err.split("\n")), (
            "it does not steer the terminal"
        )


def test_the_key_is_not_sent_after_a_redirect(real: FunctionsHostDouble) -> None:
    real.responds("GET", "/instances", 302, Location=f"{real.url}/elsewhere")
    called = call("get-instances", "--url", real.url)
    assert called.code == 1
    assert (
        f"{real.url} sends elsewhere, to {real.url}/elsewhere: name that with --url." in called.err
    )
    assert len(real.requests) == 1


def test_a_refusal_because_the_instance_runs_is_not_reported_as_finished(
    real: FunctionsHostDouble,
) -> None:
    real.responds("POST", "/instances/a/terminate", 404)
    real.responds("GET", "/instances/a", 202, {"runtimeStatus": "Running"})
    called = call("terminate", "--id", "a", "--url", real.url)
    assert called.code == 1
    assert f"{real.url} refused with status 404" in called.err
