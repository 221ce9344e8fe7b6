"""The values and the error messages of a host's response."""

from __future__ import annotations

import pytest

from embedded_host.cli.api_response import ApiResponse
from embedded_host.cli.command import CommandError


def response(text: str) -> ApiResponse:
    return ApiResponse(200, {}, text)


def test_a_body_of_the_expected_kind_is_returned() -> None:
    assert response("[1]").json_value() == [1]
    assert response('{"a": 1}').json_object() == {"a": 1}
    assert response('[{"a": 1}]').json_objects() == [{"a": 1}]


@pytest.mark.parametrize("text", ["no JSON", "[1]", "1"])
def test_another_body_is_an_error_with_its_text(text: str) -> None:
    with pytest.raises(CommandError, match=r"EH504") as raised:
        response(text).json_object()
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Message": "m", "ExceptionMessage": "e"}', "e"),
        ('{"Message": "m"}', "m"),
        ("plain ", "plain"),
    ],
)
def test_the_error_message_is_that_of_the_body(text: str, message: str) -> None:
    assert response(text).error_message == message
