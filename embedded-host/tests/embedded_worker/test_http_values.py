from __future__ import annotations

from typing import Any

import azure.functions as func
import pytest

from embedded_worker.converters import converter_for
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.protocol import FindingData, HttpRequestData


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


def ignore(finding: FindingData) -> None:
    pass


def test_an_http_response_keeps_its_status_headers_and_body() -> None:
    response = func.HttpResponse(
        b"\x00", status_code=201, headers={"X-A": "1"}, mimetype="image/png"
    )
    data = response_data(response, "F", ignore)
    assert (data.status, data.body) == (201, b"\x00")
    assert dict(data.headers) == {"X-A": "1", "content-type": "image/png"}


@pytest.mark.parametrize(
    ("status", "sent"), [("201", 201), ("abc", 200), ("", 200), (600, 600), (-1, -1), (1000, 1000)]
)
def test_a_status_that_is_no_number_is_200(status: Any, sent: int) -> None:
    assert response_data(func.HttpResponse(status_code=status), "F", ignore).status == sent


def test_the_last_of_headers_that_differ_in_case_is_sent() -> None:
    response = func.HttpResponse(headers={"X-A": "1", "x-a": "2"})
    assert [h for h in response_data(response, "F", ignore).headers if h[0] != "content-type"] == [
        ("x-a", "2")
    ]


def test_cookies_are_written_again_and_lost_cookies_are_reported() -> None:
    found: list[FindingData] = []
    response = func.HttpResponse(headers={"Set-Cookie": "a=1; b=2"})
    response.headers.add("set-cookie", "c=d e")
    headers = response_data(response, "F", found.append).headers
    assert [value for name, value in headers if name == "Set-Cookie"] == [
        "a=1; domain=; path=",
        "b=2; domain=; path=",
    ]
    assert found == [FindingData("EH821", "F")]


def test_a_string_passes_through_the_json_reader_of_the_functions_host() -> None:
    assert response_data("{'a': 1}", "F", ignore).body == b'{\n  "a": 1\n}'


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Return a func\.HttpResponse or a str from 'F'"):
        response_data(None, "F", ignore)
