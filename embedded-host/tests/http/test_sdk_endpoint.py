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

    async def _answer(self, asked: Request) -> Response:
        self.seen.append(asked)
        return Response(200)

    async def ask(self, target: str, headers: dict[str, str] | None = None) -> int:
        return (await self.endpoint.handle(request("POST", target, b"{}", headers))).status


async def test_the_address_leads_in() -> None:
    one = Endpoint()
    assert one.path.startswith("/durabletask/code=")
    assert one.path.endswith("/")  # the SDK appends its paths
    assert await one.ask(one.path + "instances/a%2Fb/terminate?reason=x") == 200
    (seen,) = one.seen
    assert (seen.path, seen.query_text) == ("/durabletask/instances/a%2Fb/terminate", "reason=x")
    assert await seen.read() == b"{}"


async def test_each_host_has_its_own() -> None:
    one, other = Endpoint(), Endpoint()
    assert one.path != other.path
    assert len(one.path) >= len("/durabletask/code=/") + 43  # 256 bits
    assert await other.ask(one.path + "instances") == 403


@pytest.mark.parametrize(
    "wrong",
    [
        "/durabletask/instances",
        "/durabletask/code=/instances",
        "/",
        "/durabletask/code=é/instances",
    ],
)
async def test_without_it_nothing_is_answered(wrong: str) -> None:
    one = Endpoint()
    assert await one.ask(wrong) == 403
    assert await one.ask(one.path.upper() + "instances") == 403
    assert await one.ask(one.path[:-1]) == 403
    assert one.seen == []


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
async def test_no_page_uses_it_even_with_it(header: str) -> None:
    one = Endpoint()
    assert await one.ask(one.path + "instances", {header: "none"}) == 403
    assert one.seen == []
