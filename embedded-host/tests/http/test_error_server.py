"""The server of a host in error listens, and reports its errors."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from embedded_host.app.definitions import LocalSettings
from embedded_host.http.error_server import ErrorServer
from embedded_host.http.public_listener import PublicAddress


@pytest.mark.parametrize("auth", [False, True])
async def test_the_server_reports_the_latest_errors(tmp_path: Path, auth: bool) -> None:
    server = ErrorServer(PublicAddress("127.0.0.1", 0), {}, tmp_path if auth else None)
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as session:
        await server.start(stack, ["first"], LocalSettings())
        server.set_errors(["second"])
        async with session.get(f"{server.url}/api/x") as response:
            assert (response.status, await response.text()) == (
                503,
                "Function host is not running.",
            )
        async with session.get(f"{server.url}/admin/host/status") as response:
            if auth:
                assert response.status == 401
            else:
                assert (await response.json())["errors"] == ["second"]
    assert str(server.port) in server.url
