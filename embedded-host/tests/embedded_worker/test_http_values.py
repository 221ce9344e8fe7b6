from __future__ import annotations

import json

import azure.functions as func
import pytest

from embedded_worker.converters import converter_for
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.protocol import HttpRequestData


def test_a_request_has_all_its_parts() -> None:
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


def test_a_response_has_status_headers_and_body() -> None:
    response = func.HttpResponse(
        b"\x00", status_code=201, headers={"X-A": "1"}, mimetype="image/png"
    )
    assert (found := response_data(response, "F")).status == 201
    assert found.body == b"\x00"
    assert ("x-a", "1") in [(name.lower(), value) for name, value in found.headers]


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
def test_a_returned_text_is_sent_as_the_functions_host_sends_it(
    text: str, status: int, body: str
) -> None:
    found = response_data(text, "F")
    assert (found.status, found.body.decode()) == (status, body)


def test_a_body_object_has_the_type_json_unless_it_names_another() -> None:
    assert (
        dict(response_data('{"body": {}}', "F").headers)["Content-Type"]
        == "application/json; charset=utf-8"
    )
    named = json.dumps({"body": {}, "headers": {"content-type": "text/csv"}})
    assert dict(response_data(named, "F").headers) == {"content-type": "text/csv"}


def test_another_value_is_no_response() -> None:
    with pytest.raises(TypeError, match=r"Return a func\.HttpResponse or a str from 'F'"):
        response_data(None, "F")
