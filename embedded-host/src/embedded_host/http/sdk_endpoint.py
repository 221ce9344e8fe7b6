"""The SDK's own endpoint, on the loopback interface: the management API without keys (contract, 1.1).

On the real host it is open to all that runs on the machine, the browser's pages included. Here its path has a secret, written
``code=…`` like every key in a URL, so that what hides keys hides it too. The SDK takes ``rpcBaseUrl`` as it is and puts its paths
behind it (``azure.durable_functions``, all of its client's calls).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

from embedded_host.http.router import RPC
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response

_BROWSERS = ("origin", "sec-fetch-site")


class SdkEndpoint:
    def __init__(self, port: int, inner: Callable[[Request], Awaitable[Response]]) -> None:
        """``inner`` gets the requests as if there were no secret."""
        self._prefix = f"{RPC}/code={secrets.token_urlsafe(32)}/"
        self._inner = inner
        self.url = f"http://127.0.0.1:{port}{self._prefix}"
        """The binding's ``rpcBaseUrl``."""

    async def handle(self, request: Request) -> Response:
        given = request.path[: len(self._prefix)]
        if not hmac.compare_digest(given.encode(), self._prefix.encode()) or any(
            name in request.headers for name in _BROWSERS
        ):
            return text_response(
                "This is the Durable Functions SDK's own endpoint. Its address, a secret, is the rpcBaseUrl of a durable client; "
                "others use the management API at the host's own address, below /runtime/webhooks/durabletask.",
                status=403,
            )
        return await self._inner(replace(request, path=f"{RPC}/{request.path[len(self._prefix) :]}"))


def private_request(method: str, path: str, body: bytes, base_url: str) -> Request:
    """Return the request that the SDK's client would have sent over HTTP for a call that a worker passed on.

    ``path`` has its query. A body is JSON."""

    async def read() -> bytes:
        return body

    headers = {"content-type": "application/json"} if body else {}
    path, _, query = path.partition("?")
    return Request(method, path, query, {**headers, "content-length": str(len(body))}, base_url, read)
