"""The SDK's endpoint: the management API without keys, on the loopback interface.

The endpoint is ``rpcBaseUrl`` of the durable client binding (functions-host.md#transport). On the
Azure Functions host every program on the machine can use it, including pages in a browser. This
host puts a secret into its path. The secret has the format ``code=…`` of keys in URLs, so that it
is removed from the log like a key.
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


def sdk_path() -> str:
    """Return a new secret path for ``rpcBaseUrl`` of the durable client binding."""
    return f"{RPC}/code={secrets.token_urlsafe(32)}/"


class SdkEndpoint:
    """The filter that removes the secret from the path of a request."""

    def __init__(self, path: str, inner: Callable[[Request], Awaitable[Response]]) -> None:
        """Pass requests below ``path``, the secret of ``sdk_path``, to ``inner`` without it."""
        self._prefix, self._inner = path, inner

    async def handle(self, request: Request) -> Response:
        """Return the response of ``inner``, or a 403 to browsers and without the secret."""
        prefix = request.path[: len(self._prefix)]
        if not hmac.compare_digest(prefix.encode(), self._prefix.encode()) or any(
            name in request.headers for name in _BROWSERS
        ):
            return text_response(
                "This endpoint is reserved for the Durable Functions SDK. Use the management API "
                "at the host's public address, below /runtime/webhooks/durabletask.",
                status=403,
            )
        return await self._inner(
            replace(request, path=f"{RPC}/{request.path[len(self._prefix) :]}")
        )
