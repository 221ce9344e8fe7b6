"""``POST orchestrators/{name}/{id?}`` (functions-host.md#start-an-instance)."""

from __future__ import annotations

import re

import pytest

from tests.http.api import WEBHOOK, Api


async def test_the_answer(api: Api) -> None:
    answer = await api.post("orchestrators/Done/a%20b", '{"n": 1}')
    uri = f"{WEBHOOK}/instances/a+b"
    assert answer.status == 202
    assert answer.headers == {
        "content-type": "application/json; charset=utf-8",
        "location": f"{uri}?taskHub=Hub&connection=Storage",
        "retry-after": "10",
    }
    assert list(answer.json) == [
        *(
            "id",
            "statusQueryGetUri",
            "sendEventPostUri",
            "terminatePostUri",
            "purgeHistoryDeleteUri",
        ),
        *("restartPostUri", "suspendPostUri", "resumePostUri"),
    ]
    assert answer.json["id"] == "a b"
    assert (
        answer.json["sendEventPostUri"]
        == f"{uri}/raiseEvent/{{eventName}}?taskHub=Hub&connection=Storage"
    )
    assert ": " not in answer.text


async def test_an_id_of_its_own(api: Api) -> None:
    answer = await api.post("orchestrators/Done")
    assert re.fullmatch("[0-9a-f]{32}", answer.json["id"])
    assert (await api.status(answer.json["id"]))["runtimeStatus"] == "Completed"


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
async def test_ids(api: Api, path: str, instance_id: str, encoded: str) -> None:
    answer = await api.post(f"ORCHESTRATORS/Done/{path}/")
    assert answer.json["id"] == instance_id
    location = answer.headers["location"]
    assert location.startswith(f"{WEBHOOK}/instances/{encoded}?")
    assert (await api.get(location.removeprefix(WEBHOOK + "/"))).json["instanceId"] == instance_id


@pytest.mark.parametrize("path", ["a/b", "a%2Fb", "/b", "a/b/c"])
async def test_an_id_with_a_slash_fits_no_route(api: Api, path: str) -> None:
    answer = await api.post(f"orchestrators/Done/{path}")
    assert answer.status == 404
    assert answer.empty


async def test_an_unknown_function_starts_and_fails(api: Api) -> None:
    await api.start("Nope")
    status = await api.status()
    assert status["runtimeStatus"] == "Failed"
    assert status["output"].startswith(
        "Orchestrator function 'Nope' failed: The function 'Nope' doesn't exist, is disabled, or is not an orchestrator "
        "function. Additional info: The following are the known orchestrator functions: "
    )


@pytest.mark.parametrize(
    ("body", "shown"),
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
async def test_inputs(api: Api, body: bytes, shown: object) -> None:
    assert (await api.post("orchestrators/Wait/i-1", body)).status == 202
    assert (await api.status())["input"] == shown


async def test_the_content_type_does_not_matter_but_its_charset_does(api: Api) -> None:
    body = '"grüße"'.encode("utf-16")
    await api.post("orchestrators/Wait/i-1", body, Content_Type="text/x; charset=UTF-16")
    assert (await api.status())["input"] == "grüße"
    await api.post("orchestrators/Wait/i-2", b"1", Content_Type='text/x; charset="none-such"')
    assert (await api.status("i-2"))["input"] == 1


async def test_without_content_length_the_input_is_an_empty_text(api: Api) -> None:
    assert (await api.post("orchestrators/Done/i-1", None)).status == 202
    status = await api.status()
    assert (status["input"], status["runtimeStatus"]) == ("", "Failed")
    assert status["output"] == (
        "Orchestrator function 'Done' failed: One or more errors occurred. (Exception while executing function: "
        "Functions.Done)"
    )


@pytest.mark.parametrize(
    ("body", "why"),
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
async def test_a_body_that_is_not_json(api: Api, body: str, why: str) -> None:
    answer = await api.post("orchestrators/Done/i-1", body)
    assert answer.status == 400
    assert answer.json == {
        "Message": "Invalid JSON content",
        "ExceptionMessage": why,
        "ExceptionType": "Newtonsoft.Json.JsonReaderException",
        "StackTrace": "",
    }
    assert (await api.get("instances/i-1")).status == 404


async def test_numbers_that_python_will_not_read(api: Api) -> None:
    assert (await api.post("orchestrators/Done", "9" * 10_000)).status == 400


@pytest.mark.parametrize("depth", range(400, 1000, 97))
async def test_an_accepted_input_can_be_shown(api: Api, depth: int) -> None:
    """Whatever depth this Python can handle: no turn and no answer fails of it later."""
    body = "[" * depth + "]" * depth
    answer = await api.post("orchestrators/Wait/i-1", body)
    assert answer.status in (202, 400)
    if answer.status == 202:
        assert (await api.get("instances/i-1")).status == 202
        assert (await api.get("instances")).status == 200


async def test_an_id_in_use(api: Api) -> None:
    await api.start("Wait")
    answer = await api.post("orchestrators/Wait/i-1")
    assert answer.status == 409
    assert answer.json == {
        "Message": "An Orchestration instance with the status Running already exists."
    }


async def test_the_id_of_a_finished_instance_is_taken_again(api: Api) -> None:
    await api.start("Done", body="1")
    await api.start("Wait")
    assert (await api.status())["name"] == "Wait"


async def test_waiting_for_the_output(api: Api) -> None:
    answer = await api.post("orchestrators/Done?timeout=5&pollingInterval=0.1", '"{\\"a\\":1}"')
    assert (answer.status, answer.json) == (200, {"a": 1})
    answer = await api.post(
        "orchestrators/Fail/f?TIMEOUT=5&pollinginterval=1&showInput=false&showHistory=true", "5"
    )
    assert (answer.status, answer.json["runtimeStatus"], answer.json["input"]) == (
        200,
        "Failed",
        None,
    )
    assert [e["EventType"] for e in answer.json["historyEvents"]] == [
        *("ExecutionStarted", "TaskCompleted", "ExecutionCompleted")
    ]


async def test_waiting_in_vain(api: Api) -> None:
    answer = await api.post("orchestrators/Wait/i-1?timeout=0&pollingInterval=0")
    assert (answer.status, answer.json["id"]) == (202, "i-1")


@pytest.mark.parametrize(
    ("timeout", "interval", "text"),
    [
        ("1", "5", "1 should be bigger than retry timeout 5"),
        ("0.5", "1e6", "0.5 should be bigger than retry timeout 1000000"),
    ],
)
async def test_an_interval_longer_than_the_timeout(
    api: Api, timeout: str, interval: str, text: str
) -> None:
    answer = await api.post(f"orchestrators/Wait/i-1?timeout={timeout}&pollingInterval={interval}")
    assert (answer.status, answer.json) == (400, {"Message": f"Total timeout {text}"})
    assert (await api.status())["runtimeStatus"] == "Running"


@pytest.mark.parametrize("timeout", ["", "x", "-1", "nan", "inf", "1_0", "1e999"])
async def test_a_timeout_that_is_none_does_not_wait(api: Api, timeout: str) -> None:
    assert (await api.post(f"orchestrators/Done?timeout={timeout}&pollingInterval=0")).status == 202


async def test_through_the_private_endpoint_the_urls_are_public(api: Api) -> None:
    answer = await api.ask("POST", "orchestrators/Done/i-1", b"", public_url="http://public")
    assert answer.headers["location"] == (
        "http://public/runtime/webhooks/durabletask/instances/i-1?taskHub=Hub&connection=Storage"
    )
