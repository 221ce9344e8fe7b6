"""The SDK's endpoint: the management API without keys, on the loopback interface.

With SDK 1.x, the endpoint is ``rpcBaseUrl`` of the durable client binding
(functions-host.md#transport). On the Azure Functions host every program on the machine can use the
endpoint, including pages in a browser. The embedded host puts a secret into the path of the
endpoint. The secret has the format ``code=…``, like a key in a URL, so that the log omits the
secret too.

With SDK 2.x, the endpoint also accepts RPCs. A worker uses it only for a synchronous client that
blocks the worker's event loop.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

from embedded_host.http.router import RPC
from embedded_host.web.request import Request
from embedded_host.web.response import Response, text_response
from embedded_host.workers.worker import ClientRequestHandler, respond_unavailable
from embedded_worker.protocol import RPC_METHOD
from embedded_worker.rpc_protocol import STATUS_HEADER

_BROWSERS = ("origin", "sec-fetch-site")


def sdk_path() -> str:
    """Return a new secret path for ``rpcBaseUrl`` of the durable client binding."""
    return f"{RPC}/code={secrets.token_urlsafe(32)}/"


class SdkEndpoint:
    """The filter that removes the secret from the path of a request."""

    def __init__(
        self,
        path: str,
        inner: Callable[[Request], Awaitable[Response]],
        rpc: ClientRequestHandler = respond_unavailable,
    ) -> None:
        """Pass requests below ``path`` to ``inner``. ``path`` is the result of ``sdk_path``.

        ``rpc`` handles RPCs of SDK 2.x (``embedded_worker/sdk2/blocking_exchange.py``).
        """
        self._prefix, self._inner, self._rpc = path, inner, rpc

    async def handle(self, request: Request) -> Response:
        """Return the response of ``inner``, or a 403 for a browser or a path without the secret."""
        prefix = request.path[: len(self._prefix)]
        if not hmac.compare_digest(prefix.encode(), self._prefix.encode()) or any(
            name in request.headers for name in _BROWSERS
        ):
            return text_response(
                "This endpoint is reserved for the Durable Functions SDK. Use the management API "
                "at the host's public address, below /runtime/webhooks/durabletask.",
                status=403,
            )
        path = request.path[len(self._prefix) :]
        if request.method == "POST" and path.startswith("rpc/"):
            status, body = await self._rpc(
                RPC_METHOD, path.removeprefix("rpc/"), await request.read()
            )
            return Response(200, body, [(STATUS_HEADER, str(status))])
        return await self._inner(replace(request, path=f"{RPC}/{path}"))
