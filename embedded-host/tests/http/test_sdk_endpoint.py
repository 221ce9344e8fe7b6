"""The SDK's endpoint is accessible only with its secret path."""

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
        self.rpcs: list[tuple[str, str, bytes]] = []
        self.endpoint = SdkEndpoint(self.path, self._respond, self._rpc)

    async def _respond(self, received: Request) -> Response:
        self.seen.append(received)
        return Response(200)

    async def _rpc(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.rpcs.append((method, path, body))
        return 5, b'{"details": "no"}'

    async def request(self, target: str, headers: dict[str, str] | None = None) -> int:
        return (await self.endpoint.handle(request("POST", target, b"{}", headers))).status


async def test_the_secret_path_leads_to_the_management_api() -> None:
    endpoint = Endpoint()
    assert endpoint.path.startswith("/durabletask/code=")
    assert endpoint.path.endswith("/")  # the SDK appends its paths
    assert await endpoint.request(endpoint.path + "instances/a%2Fb/terminate?reason=x") == 200
    (seen,) = endpoint.seen
    assert (seen.path, seen.query_text) == ("/durabletask/instances/a%2Fb/terminate", "reason=x")
    assert await seen.read() == b"{}"


async def test_an_rpc_has_its_status_in_a_header() -> None:
    endpoint = Endpoint()
    response = await endpoint.endpoint.handle(
        request("POST", endpoint.path + "rpc/GetInstance", b"{}")
    )
    assert (response.status, response.body) == (200, b'{"details": "no"}')
    assert response.headers == [("Grpc-Status", "5")]
    assert endpoint.rpcs == [("RPC", "GetInstance", b"{}")]
    assert await endpoint.request(sdk_path() + "rpc/GetInstance") == 403
    assert len(endpoint.rpcs) == 1


async def test_each_host_has_its_own_secret_path() -> None:
    endpoint, other = Endpoint(), Endpoint()
    assert endpoint.path != other.path
    assert len(endpoint.path) >= len("/durabletask/code=/") + 43  # 256 bits
    assert await other.request(endpoint.path + "instances") == 403


@pytest.mark.parametrize(
    "path",
    [
        "/durabletask/instances",
        "/durabletask/code=/instances",
        "/",
        "/durabletask/code=é/instances",
    ],
)
async def test_a_request_without_the_secret_path_is_403(path: str) -> None:
    endpoint = Endpoint()
    assert await endpoint.request(path) == 403
    assert await endpoint.request(endpoint.path.upper() + "instances") == 403
    assert await endpoint.request(endpoint.path[:-1]) == 403
    assert endpoint.seen == []


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
async def test_a_request_of_a_web_page_is_403_even_with_the_secret_path(header: str) -> None:
    endpoint = Endpoint()
    assert await endpoint.request(endpoint.path + "instances", {header: "none"}) == 403
    assert endpoint.seen == []
