from __future__ import annotations

import pytest

from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.host_names import HostNames
from embedded_host.http.middleware import RequestFilter
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.http.api import request


async def served(request: Request) -> Response:
    return Response(200, b"served")


@pytest.mark.parametrize(
    ("base", "headers", "status"),
    [
        ("http://localhost:7071", {}, 200),
        ("http://rebound.example", {}, 403),
        (
            "http://localhost:7071",
            {"sec-fetch-site": "cross-site", "origin": "http://other.example"},
            403,
        ),
    ],
    ids=["own", "another host name", "another site"],
)
async def test_requests_for_other_names_or_of_other_sites_do_not_reach_the_handler(
    base: str, headers: dict[str, str], status: int
) -> None:
    filtered = RequestFilter(HostNames(), CrossSite(Cors(), lambda _: True), served)
    response = await filtered.handle(request("POST", "/api/start", headers=headers, base_url=base))
    assert response.status == status
    assert (response.body == b"served") is (status == 200)
