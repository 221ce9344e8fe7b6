from __future__ import annotations

import asyncio
import json

import pytest

from embedded_host.http.management_responses import (
    ROWS_PER_ROUND,
    cooperatively,
    exception_response,
    invalid_json_response,
    message_response,
    page_response,
)
from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER, continuation_token


def test_error_bodies_have_the_recorded_keys() -> None:
    assert json.loads(exception_response(500, "m", "e", "T").body) == {
        "Message": "m",
        "ExceptionMessage": "e",
        "ExceptionType": "T",
        "StackTrace": "",
    }
    assert json.loads(message_response(400, "m").body) == {"Message": "m"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Error reading JToken from JsonReader. Path '', line 0, position 0."),
        (
            " nope",
            "Unexpected character encountered while parsing value: n. Path '', line 0, position 0.",
        ),
        ('{"a": }', "Expecting value: line 1 column 7 (char 6)."),
    ],
)
def test_invalid_json_has_the_message_of_the_azure_functions_host(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="Expecting value") as caught:
        json.loads(text)
    body = json.loads(invalid_json_response(text, caught.value).body)
    assert (body["Message"], body["ExceptionMessage"]) == ("Invalid JSON content", reason)


async def test_a_long_list_yields_to_the_event_loop() -> None:
    others: list[int] = []
    asyncio.get_running_loop().call_soon(others.append, 1)
    seen_at: list[int] = []
    async for row in cooperatively(range(ROWS_PER_ROUND + 1)):
        if others and not seen_at:
            seen_at.append(row)
    assert seen_at == [ROWS_PER_ROUND]


def test_only_a_page_before_the_last_has_a_continuation_token() -> None:
    assert dict(page_response(["1"], "id").headers)[
        CONTINUATION_TOKEN_HEADER
    ] == continuation_token("id")
    assert CONTINUATION_TOKEN_HEADER not in dict(page_response(["1"], None).headers)


def test_a_page_is_a_json_array_of_its_rows() -> None:
    assert page_response([], None).body == b"[]"
    assert page_response(['{"a":"é"}', "2"], None).body == '[{"a":"é"},2]'.encode()
