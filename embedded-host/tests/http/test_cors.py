"""CORS: the configuration of Core Tools and the responses of ASP.NET Core's middleware.

See functions-host.md#local-settings-json.
"""

from __future__ import annotations

import pytest

from embedded_host.http.cors import Cors
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response
from tests.http.api import request

ONE = "http://localhost:3000"


async def inner(request: Request) -> Response:
    return Response(
        200, b"inner", [("X-Out", "1"), ("access-control-allow-origin", "own"), ("Vary", "Accept")]
    )


async def headers(
    cors: Cors, method: str = "GET", **sent: str
) -> tuple[int, bytes, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in sent.items()}
    response = await cors.handle(request(method, "/api/x", headers=named), inner)
    merged: dict[str, str] = {}
    for name, value in response.headers:
        merged[name.lower()] = (
            f"{merged[name.lower()]}, {value}" if name.lower() in merged else value
        )
    return response.status, response.body, merged


PLAIN = (200, b"inner", {"x-out": "1", "access-control-allow-origin": "own", "vary": "Accept"})


@pytest.mark.parametrize("sent", [{}, {"Origin": ONE}])
async def test_without_configured_origins_requests_pass_unchanged(sent: dict[str, str]) -> None:
    assert await headers(Cors(), **sent) == PLAIN
    preflight = {**sent, "Access_Control_Request_Method": "PUT"}
    assert await headers(Cors(), "OPTIONS", **preflight) == PLAIN


async def test_a_request_without_origin_passes_unchanged() -> None:
    assert await headers(Cors([ONE]), "OPTIONS", Access_Control_Request_Method="PUT") == PLAIN


async def test_an_allowed_origin_replaces_the_header_of_the_function() -> None:
    response = await headers(Cors([ONE]), Origin=ONE)
    assert response == (
        200,
        b"inner",
        {"x-out": "1", "vary": "Accept", "access-control-allow-origin": ONE},
    )


@pytest.mark.parametrize(
    "origin", ["http://localhost:3001", "https://localhost:3000", ONE + "/", "null", ""]
)
async def test_another_origin_gets_a_response_without_cors_headers(origin: str) -> None:
    assert await headers(Cors([ONE]), Origin=origin) == PLAIN
    response = await headers(
        Cors([ONE]), "OPTIONS", Origin=origin, Access_Control_Request_Method="PUT"
    )
    assert response == (204, b"", {})


async def test_a_preflight_is_not_passed_on() -> None:
    response = await headers(
        Cors(["HTTP://LocalHost:3000"]),
        "OPTIONS",
        Origin=ONE,
        Access_Control_Request_Method="DELETE",
        Access_Control_Request_Headers="x-a,  X-B ,content-type",
    )
    assert response == (
        204,
        b"",
        {
            "access-control-allow-origin": ONE,
            "access-control-allow-methods": "DELETE",
            "access-control-allow-headers": "x-a,X-B,content-type",
        },
    )


async def test_options_without_a_requested_method_is_not_a_preflight() -> None:
    assert (await headers(Cors([ONE]), "OPTIONS", Origin=ONE))[1] == b"inner"


async def test_a_star_allows_any_origin() -> None:
    assert (await headers(Cors(["*"]), Origin="http://any.example"))[2][
        "access-control-allow-origin"
    ] == "*"


async def test_several_origins_add_a_vary_header() -> None:
    cors = Cors([ONE, "https://b"])
    assert (await headers(cors, Origin="https://b"))[2] == {
        "x-out": "1",
        "vary": "Accept, Origin",
        "access-control-allow-origin": "https://b",
    }


async def test_a_star_among_other_origins_allows_no_other_origin() -> None:
    assert await headers(Cors(["*", ONE]), Origin="http://any.example") == PLAIN


async def test_credentials_are_allowed_if_configured() -> None:
    cors = Cors([ONE], credentials=True)
    assert (await headers(cors, Origin=ONE))[2]["access-control-allow-credentials"] == "true"
    preflight = await headers(cors, "OPTIONS", Origin=ONE, Access_Control_Request_Method="PUT")
    assert preflight[2]["access-control-allow-credentials"] == "true"
    assert "access-control-allow-credentials" not in (await headers(Cors([ONE]), Origin=ONE))[2]


async def test_a_star_with_credentials_logs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    cors = Cors(["*"], credentials=True)
    assert "CORS '*' cannot be combined with CORSCredentials" in caplog.text
    assert "access-control-allow-credentials" not in (await headers(cors, Origin=ONE))[2]


async def test_error_responses_have_cors_headers() -> None:
    async def fail(request: Request) -> Response:
        return empty_response(500)

    response = await Cors([ONE]).handle(request("GET", "/", headers={"Origin": ONE}), fail)
    assert (response.status, response.headers) == (500, [("Access-Control-Allow-Origin", ONE)])


def test_an_origin_with_a_slash_at_its_end_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    cors = Cors(("http://a.example/", "http://b.example"))
    assert [cors.allows(f"http://{name}.example") for name in "ab"] == [False, True]
    [record] = caplog.records
    assert "'http://a.example/' allows no page" in record.getMessage()
    assert "Write 'http://a.example'. [EH329]" in record.getMessage()
