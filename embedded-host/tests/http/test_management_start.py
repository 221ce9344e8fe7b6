"""``POST orchestrators/{name}/{id?}`` (functions-host.md#start-an-instance)."""

from __future__ import annotations

import re

import pytest

from tests.http.api import WEBHOOK, Api


async def test_a_start_returns_the_recorded_check_status_response(api: Api) -> None:
    response = await api.post("orchestrators/Done/a%20b", '{"n": 1}')
    uri = f"{WEBHOOK}/instances/a+b"
    assert response.status == 202
    assert response.headers == {
        "content-type": "application/json; charset=utf-8",
        "location": f"{uri}?taskHub=Hub&connection=Storage",
        "retry-after": "10",
    }
    assert list(response.json) == [
        *(
            "id",
            "statusQueryGetUri",
            "sendEventPostUri",
            "terminatePostUri",
            "purgeHistoryDeleteUri",
        ),
        *("restartPostUri", "suspendPostUri", "resumePostUri"),
    ]
    assert response.json["id"] == "a b"
    assert (
        response.json["sendEventPostUri"]
        == f"{uri}/raiseEvent/{{eventName}}?taskHub=Hub&connection=Storage"
    )
    assert ": " not in response.text


async def test_a_start_without_id_generates_32_hexadecimal_digits(api: Api) -> None:
    response = await api.post("orchestrators/Done")
    assert re.fullmatch("[0-9a-f]{32}", response.json["id"])
    assert (await api.status(response.json["id"]))["runtimeStatus"] == "Completed"


@pytest.mark.parametrize(
    ("path", "instance_id", "encoded"),
    [
        ("bad%23id", "bad#id", "bad%23id"),
        ("@x", "@x", "%40x"),
        ("a+b", "a b", "a+b"),
        ("a%2Bb", "a+b", "a%2Bb"),
        ("gr%C3%BC%C3%9Fe", "grüße", "gr%C3%BC%C3%9Fe"),
        ("%2520", "%20", "%2520"),
        ("x" * 300, "x" * 300, "x" * 300),
        ("a%27%22%3C", "a'\"<", "a%27%22%3C"),
    ],
)
async def test_ids_are_decoded_from_the_path_and_encoded_in_urls(
    api: Api, path: str, instance_id: str, encoded: str
) -> None:
    response = await api.post(f"ORCHESTRATORS/Done/{path}/")
    assert response.json["id"] == instance_id
    location = response.headers["location"]
    assert location.startswith(f"{WEBHOOK}/instances/{encoded}?")
    assert (await api.get(location.removeprefix(WEBHOOK + "/"))).json["instanceId"] == instance_id


@pytest.mark.parametrize("path", ["a/b", "a%2Fb", "/b", "a/b/c"])
async def test_an_id_with_a_slash_is_404(api: Api, path: str) -> None:
    response = await api.post(f"orchestrators/Done/{path}")
    assert response.status == 404
    assert response.empty


async def test_an_instance_of_an_unknown_function_starts_and_fails(api: Api) -> None:
    await api.start("Nope")
    status = await api.status()
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'Nope' failed: The function 'Nope' doesn't exist, is disabled, or "
        "is not an orchestrator function. Additional info: The following are the known "
        "orchestrator functions: "
    )


@pytest.mark.parametrize(
    ("body", "input"),
    [
        (b"", None),
        (b'{"k":  1}', {"k": 1}),
        (b'"{\\"a\\": 1}"', '{"a": 1}'),
        (b" 7 ", 7),
        (b"\xef\xbb\xbf7", 7),
        (b'"gr\xc3\xbc\xc3\x9fe"', "grüße"),
        (b'"\xff"', "\ufffd"),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"[" * 50 + b"]" * 50, eval("[" * 50 + "]" * 50)),
    ],
)
async def test_the_input_is_the_json_of_the_body(api: Api, body: bytes, input: object) -> None:
    assert (await api.post("orchestrators/Wait/i-1", body)).status == 202
    assert (await api.status())["input"] == input


async def test_the_body_is_decoded_with_the_charset_of_any_content_type(api: Api) -> None:
    body = '"grüße"'.encode("utf-16")
    await api.post("orchestrators/Wait/i-1", body, Content_Type="text/x; charset=UTF-16")
    assert (await api.status())["input"] == "grüße"
    await api.post("orchestrators/Wait/i-2", b"1", Content_Type='text/x; charset="none-such"')
    assert (await api.status("i-2"))["input"] == 1


async def test_without_content_length_the_input_is_an_empty_string(api: Api) -> None:
    assert (await api.post("orchestrators/Done/i-1", None)).status == 202
    status = await api.status()
    assert (status["input"], status["runtimeStatus"]) == ("", "Failed")
    assert status["output"] == (
        "Orchestrator function 'Done' failed: One or more errors occurred. (Exception while "
        "executing function: Functions.Done)"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "not json",
            "Unexpected character encountered while parsing value: n. Path '', line 0, position 0.",
        ),
        (
            "  plain",
            "Unexpected character encountered while parsing value: p. Path '', line 0, position 0.",
        ),
        (" ", "Error reading JToken from JsonReader. Path '', line 0, position 0."),
        ('{"a": }', "Expecting value: line 1 column 7 (char 6)."),
        ("[1] 2", "Extra data: line 1 column 5 (char 4)."),
        ("[" * 100_000, "The value is nested too deeply."),
        ("[" * 100_000 + "]" * 100_000, "The value is nested too deeply."),
    ],
)
async def test_a_body_that_is_not_json_is_400(api: Api, body: str, message: str) -> None:
    response = await api.post("orchestrators/Done/i-1", body)
    assert response.status == 400
    assert response.json == {
        "Message": "Invalid JSON content",
        "ExceptionMessage": message,
        "ExceptionType": "Newtonsoft.Json.JsonReaderException",
        "StackTrace": "",
    }
    assert (await api.get("instances/i-1")).status == 404


async def test_an_integer_that_python_cannot_parse_is_400(api: Api) -> None:
    assert (await api.post("orchestrators/Done", "9" * 10_000)).status == 400


@pytest.mark.parametrize("depth", range(400, 1000, 97))
async def test_an_accepted_input_of_any_depth_is_in_the_status(api: Api, depth: int) -> None:
    """A depth is accepted only if later turns and responses can handle it."""
    body = "[" * depth + "]" * depth
    response = await api.post("orchestrators/Wait/i-1", body)
    assert response.status in (202, 400)
    if response.status == 202:
        assert (await api.get("instances/i-1")).status == 202
        assert (await api.get("instances")).status == 200


async def test_starting_an_id_in_use_is_409(api: Api) -> None:
    await api.start("Wait")
    response = await api.post("orchestrators/Wait/i-1")
    assert response.status == 409
    assert response.json == {
        "Message": "An Orchestration instance with the status Running already exists."
    }


async def test_starting_the_id_of_a_finished_instance_replaces_it(api: Api) -> None:
    await api.start("Done", body="1")
    await api.start("Wait")
    assert (await api.status())["name"] == "Wait"


async def test_a_start_with_a_timeout_returns_the_output_or_the_status(api: Api) -> None:
    response = await api.post("orchestrators/Done?timeout=5&pollingInterval=0.1", '"{\\"a\\":1}"')
    assert (response.status, response.json) == (200, {"a": 1})
    response = await api.post(
        "orchestrators/Fail/f?TIMEOUT=5&pollinginterval=1&showInput=false&showHistory=true", "5"
    )
    assert (response.status, response.json["runtimeStatus"], response.json["input"]) == (
        200,
        "Failed",
        None,
    )
    assert [e["EventType"] for e in response.json["historyEvents"]] == [
        *("ExecutionStarted", "TaskCompleted", "ExecutionCompleted")
    ]


async def test_a_start_whose_timeout_expires_returns_the_check_status_response(api: Api) -> None:
    response = await api.post("orchestrators/Wait/i-1?timeout=0&pollingInterval=0")
    assert (response.status, response.json["id"]) == (202, "i-1")


@pytest.mark.parametrize(
    ("timeout", "interval", "text"),
    [
        ("1", "5", "1 should be bigger than retry timeout 5"),
        ("0.5", "1e6", "0.5 should be bigger than retry timeout 1000000"),
    ],
)
async def test_a_polling_interval_longer_than_the_timeout_is_400(
    api: Api, timeout: str, interval: str, text: str
) -> None:
    response = await api.post(
        f"orchestrators/Wait/i-1?timeout={timeout}&pollingInterval={interval}"
    )
    assert (response.status, response.json) == (400, {"Message": f"Total timeout {text}"})
    assert (await api.status())["runtimeStatus"] == "Running"


@pytest.mark.parametrize("timeout", ["", "x", "-1", "nan", "inf", "1_0", "1e999"])
async def test_an_invalid_timeout_does_not_wait(api: Api, timeout: str) -> None:
    assert (await api.post(f"orchestrators/Done?timeout={timeout}&pollingInterval=0")).status == 202


async def test_urls_in_responses_of_the_sdk_endpoint_are_public(api: Api) -> None:
    response = await api.request("POST", "orchestrators/Done/i-1", b"", public_url="http://public")
    assert response.headers["location"] == (
        "http://public/runtime/webhooks/durabletask/instances/i-1?taskHub=Hub&connection=Storage"
    )
