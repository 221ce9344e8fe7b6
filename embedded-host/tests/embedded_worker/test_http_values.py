from __future__ import annotations

import json

import azure.functions as func
import pytest

from embedded_worker.converters import converter_for
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.protocol import HttpRequestData


def test_a_decoded_request_has_all_fields() -> None:
    data = HttpRequestData(
        "POST", "http://h/api/x/1?q=2", {"h": "3"}, {"q": "2"}, {"id": "1"}, b'{"a": 4}'
    )
    request = converter_for("httpTrigger").decode(request_datum(data), trigger_metadata={})
    assert isinstance(request, func.HttpRequest)
    assert (request.method, request.url, request.headers["H"]) == (
        "POST",
        "http://h/api/x/1?q=2",
        "3",
    )
    assert (request.params, request.route_params, request.get_json()) == (
        {"q": "2"},
        {"id": "1"},
        {"a": 4},
    )


def test_an_http_response_keeps_its_status_headers_and_body() -> None:
    response = func.HttpResponse(
        b"\x00", status_code=201, headers={"X-A": "1"}, mimetype="image/png"
    )
    data = response_data(response, "F")
    assert (data.status, data.body) == (201, b"\x00")
    assert ("x-a", "1") in [(name.lower(), value) for name, value in data.headers]


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        ("plain", 200, "plain"),
        ("{not json", 200, "{not json"),
        ('{"a": 1}', 200, '{\n  "a": 1\n}'),
        ('{"body": "b", "statusCode": 404}', 404, "b"),
        ('{"body": {"a": 1}, "status": "many"}', 200, '{\n  "a": 1\n}'),
    ],
)
def test_a_returned_string_becomes_the_response_of_the_functions_host(
    text: str, status: int, body: str
) -> None:
    data = response_data(text, "F")
    assert (data.status, data.body.decode()) == (status, body)


def test_a_body_object_gets_the_content_type_json_unless_it_has_another() -> None:
    assert (
        dict(response_data('{"body": {}}', "F").headers)["Content-Type"]
        == "application/json; charset=utf-8"
    )
    named = json.dumps({"body": {}, "headers": {"content-type": "text/csv"}})
    assert dict(response_data(named, "F").headers) == {"content-type": "text/csv"}


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Return a func\.HttpResponse or a str from 'F'"):
        response_data(None, "F")
