"""The SDK's endpoint on the loopback interface: the management API without keys (functions-host.md#transport).

On the Azure Functions host every program on the machine can use it, pages in a browser included. Here its path contains a secret, in
the format ``code=…`` of keys in URLs, so that the filter that removes keys from the log removes the secret too. The SDK appends its
paths to ``rpcBaseUrl``.
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
    """Return a new secret path, from which the durableClient binding's ``rpcBaseUrl`` is made."""
    return f"{RPC}/code={secrets.token_urlsafe(32)}/"


class SdkEndpoint:
    def __init__(self, path: str, inner: Callable[[Request], Awaitable[Response]]) -> None:
        """``path`` is a result of ``sdk_path``; ``inner`` receives the requests without the secret."""
        self._prefix, self._inner = path, inner

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
        return await self._inner(
            replace(request, path=f"{RPC}/{request.path[len(self._prefix) :]}")
        )
