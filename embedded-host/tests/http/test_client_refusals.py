"""The log records of refused calls of the durable client."""

from __future__ import annotations

import json

import pytest

from embedded_host.http.client_refusals import log_refusal
from embedded_host.web.response import Response, empty_response, json_response

FAULT = {
    "Message": "Something went wrong while processing your request",
    "ExceptionMessage": "Why.",
}


@pytest.mark.parametrize(
    ("method", "path", "response", "logged"),
    [
        (
            "POST",
            "/orchestrators/Flow/i-1",
            json_response({"Message": "It exists."}, 409),
            "start_new of 'Flow', instance 'i-1' was refused with status 409: It exists.",
        ),
        (
            "POST",
            "/instances/a%20b/raiseEvent/Go",
            empty_response(410),
            "raise_event of the instance 'a b' was refused with status 410: the instance has "
            "finished.",
        ),
        (
            "POST",
            "/instances/i/terminate",
            empty_response(404),
            "terminate of the instance 'i' was refused with status 404: no instance has this id.",
        ),
        (
            "POST",
            "/instances/i/suspend",
            json_response(FAULT, 500),
            "suspend of the instance 'i' was refused with status 500: Why.",
        ),
        (
            "POST",
            "/instances/i/rewind",
            json_response("It has status Running", 412),
            "rewind of the instance 'i' was refused with status 412: It has status Running.",
        ),
        (
            "POST",
            "/entities/Counter/k",
            json_response({"Message": "No such entity"}, 400),
            "signal_entity of the entity '@Counter@k' was refused with status 400: No such entity.",
        ),
        (
            "DELETE",
            "/instances",
            json_response("Please provide value", 400),
            "purge_instance_history_by was refused with status 400: Please provide value.",
        ),
        (
            "GET",
            "/instances/i",
            json_response({"Message": "incorrect", "ExceptionMessage": "same key"}, 400),
            "get_status of the instance 'i' was refused with status 400: incorrect: same key.",
        ),
        (
            "POST",
            "/instances/i/other",
            Response(500, b"\xff"),
            "other of the instance 'i' was refused with status 500: \ufffd.",
        ),
    ],
)
def test_the_reason_is_logged(
    method: str, path: str, response: Response, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_refusal(method, path, response)
    assert logged in caplog.text
    assert "[EH342]" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "response"),
    [
        ("POST", "/orchestrators/Flow", empty_response(202)),
        ("GET", "/instances/i", empty_response(404)),
        ("DELETE", "/instances/i", empty_response(404)),
        ("GET", "/instances/i", json_response({"runtimeStatus": "Failed"}, 500)),
    ],
)
def test_a_response_that_the_client_understands_is_not_logged(
    method: str, path: str, response: Response, caplog: pytest.LogCaptureFixture
) -> None:
    log_refusal(method, path, response)
    assert caplog.text == ""


def test_the_reason_of_an_unknown_body_is_stated(caplog: pytest.LogCaptureFixture) -> None:
    log_refusal("POST", "/instances/i/restart", Response(400, json.dumps([1]).encode()))
    assert "400: the response has no reason." in caplog.text
