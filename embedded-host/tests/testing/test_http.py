"""Requests to the app under test."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.testing import DurableApp, HttpResponse
from embedded_host.testing.http import request_body
from tests.support.app_folder import AppFolder

ECHO = """\
import json
import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return json.dumps([req.method, dict(req.params), req.headers["X-Name"]])
"""


async def test_an_http_function_responds_without_a_socket(shop: DurableApp) -> None:
    started = await shop.http("POST", "/api/start/Order/o-1", 7)
    assert started.status == 202
    assert shop.instance("o-1").output == ["paid 7", "shipped"]
    assert (await shop.http("GET", "/api/unknown")).status == 404


async def test_management_urls_respond_without_a_socket(shop: DurableApp) -> None:
    started = await shop.http("POST", "/api/start/Approval/o-2")
    status = await shop.http("GET", started.json()["statusQueryGetUri"])
    assert status.json()["runtimeStatus"] == "Running"
    assert status.headers["content-type"].startswith("application/json")
    raised = await shop.http(
        "POST", "/runtime/webhooks/durabletask/instances/o-2/raiseEvent/Approval", {"ok": 1}
    )
    assert (raised.status, shop.instance("o-2").output) == (202, {"ok": 1})


async def test_a_function_receives_method_query_and_headers_of_a_request(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    app.http("Echo", ECHO, "echo", "put")
    with DurableApp(app.root) as durable_app:
        response = await durable_app.http("put", "/api/echo?a=1", headers={"x-name": "Ada"})
    assert (response.status, response.json()) == (200, ["PUT", {"a": "1"}, "Ada"])


def test_invalid_utf_8_in_a_response_becomes_a_replacement_character() -> None:
    assert HttpResponse(200, {}, b"a\xff").text == "a\ufffd"


def test_json_of_a_response_that_is_not_json_raises_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        HttpResponse(200, {}, b"hello").json()


@pytest.mark.parametrize(
    ("body", "headers", "sent"),
    [
        (None, None, (b"", {})),
        (b"\x00", None, (b"\x00", {})),
        ("ü", None, (b"\xc3\xbc", {})),
        ([1], None, (b"[1]", {"content-type": "application/json"})),
        (
            {"a": 1},
            {"Content-Type": "text/json"},
            (b'{"a": 1}', {"Content-Type": "text/json"}),
        ),
    ],
)
def test_a_body_that_is_not_bytes_or_str_is_sent_as_json(
    body: object, headers: dict[str, str] | None, sent: tuple[bytes, dict[str, str]]
) -> None:
    assert request_body(body, headers) == sent
