"""The SDK's endpoint: nobody who does not know its address gets in."""

from __future__ import annotations

import pytest

from embedded_host.http.sdk_endpoint import SdkEndpoint, sdk_path
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.http.api import request


class Endpoint:
    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.path = sdk_path()
        self.endpoint = SdkEndpoint(self.path, self._answer)

    async def _answer(self, requested: Request) -> Response:
        self.seen.append(requested)
        return Response(200)

    async def request(self, target: str, headers: dict[str, str] | None = None) -> int:
        return (await self.endpoint.handle(request("POST", target, b"{}", headers))).status


async def test_the_secret_path_leads_to_the_management_api() -> None:
    one = Endpoint()
    assert one.path.startswith("/durabletask/code=")
    assert one.path.endswith("/")  # the SDK appends its paths
    assert await one.request(one.path + "instances/a%2Fb/terminate?reason=x") == 200
    (seen,) = one.seen
    assert (seen.path, seen.query_text) == ("/durabletask/instances/a%2Fb/terminate", "reason=x")
    assert await seen.read() == b"{}"


async def test_each_host_has_its_own_secret_path() -> None:
    one, other = Endpoint(), Endpoint()
    assert one.path != other.path
    assert len(one.path) >= len("/durabletask/code=/") + 43  # 256 bits
    assert await other.request(one.path + "instances") == 403


@pytest.mark.parametrize(
    "wrong",
    [
        "/durabletask/instances",
        "/durabletask/code=/instances",
        "/",
        "/durabletask/code=é/instances",
    ],
)
async def test_a_request_without_the_secret_path_is_403(wrong: str) -> None:
    one = Endpoint()
    assert await one.request(wrong) == 403
    assert await one.request(one.path.upper() + "instances") == 403
    assert await one.request(one.path[:-1]) == 403
    assert one.seen == []


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
async def test_a_request_of_a_web_page_is_403_even_with_the_secret_path(header: str) -> None:
    one = Endpoint()
    assert await one.request(one.path + "instances", {header: "none"}) == 403
    assert one.seen == []
