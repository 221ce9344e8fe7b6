"""The listener of the public address."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.public_listener import PublicAddress
from embedded_host.store.interface import StateError
from embedded_host.web.request import Request
from embedded_host.web.response import Response


async def served(request: Request) -> Response:
    return Response(200, b"served")


async def test_requests_for_allowed_names_reach_the_handler() -> None:
    address = PublicAddress("127.0.0.1", 0, (".example.com",))
    sock, url = address.bind()
    assert url == f"http://localhost:{sock.getsockname()[1]}"
    environ = {"WEBSITE_HOSTNAME": "own.test:80"}
    listener = address.listener(sock, environ, CrossSite(Cors(), lambda _: False), served, 0.1)
    await listener.start()
    try:
        async with aiohttp.ClientSession() as session:
            for name, status in (("a.example.com", 200), ("own.test", 200), ("other.test", 403)):
                async with session.get(url, headers={"Host": name}) as response:
                    assert response.status == status
    finally:
        await listener.close()


async def test_a_port_in_use_is_an_error() -> None:
    sock, url = PublicAddress("127.0.0.1", 0).bind()
    port = int(url.rpartition(":")[2])
    with pytest.raises(StateError, match=f"Port {port} is in use"):
        await asyncio.to_thread(PublicAddress("127.0.0.1", port).bind)
    sock.close()
    with pytest.raises(StateError, match="EH202"):
        PublicAddress("192.0.2.1", 0).bind()
