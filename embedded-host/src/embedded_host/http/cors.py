"""Cross-origin requests, configured in local.settings.json (functions-host.md#local-settings-json).

As with Core Tools, every header and method is allowed. The responses are those of ASP.NET Core's
CORS middleware. This middleware reads only the ``Origin`` header, and runs before all routes. It
responds to every preflight itself, even if the origin is not allowed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

log = logging.getLogger("embedded_host.http")
Handler = Callable[[Request], Awaitable[Response]]
_REQUESTED_METHOD = "access-control-request-method"
_REQUESTED_HEADERS = "access-control-request-headers"


class Cors:
    """The CORS middleware."""

    def __init__(self, origins: Sequence[str] = (), credentials: bool = False) -> None:
        """Allow the configured origins. Without origins, requests pass unchanged."""
        self._origins = frozenset(origin.lower() for origin in origins)
        self._any = self._origins == {"*"}
        self._credentials = credentials
        if self._any and credentials:
            log.warning(
                "local.settings.json: CORS '*' cannot be combined with CORSCredentials, so "
                "credentials are not allowed. List the origins in CORS. [EH329]"
            )
            self._credentials = False

        for origin in origins:
            if origin.endswith("/"):
                log.warning(
                    "local.settings.json: the CORS origin '%s' allows no page, because browsers "
                    "send an origin without a '/' at its end. Write '%s'. [EH329]",
                    origin,
                    origin.rstrip("/"),
                )

    def allows(self, origin: str | None) -> bool:
        """Return True for an allowed origin. None means a request without an origin."""
        return self._any or (origin is not None and origin in self._origins)

    def is_preflight(self, request: Request) -> bool:
        """Return True for a CORS preflight. ``handle`` responds to it without calling ``inner``."""
        return (
            request.method == "OPTIONS"
            and _REQUESTED_METHOD in request.headers
            and bool(self._origins)
            and "origin" in request.headers
        )

    async def handle(self, request: Request, inner: Handler) -> Response:
        """Return the response of ``inner`` with CORS headers, or the response to a preflight."""
        origin = request.headers.get("origin")
        if not self._origins or origin is None:
            return await inner(request)
        preflight = self.is_preflight(request)
        response = empty_response(204) if preflight else await inner(request)
        if not self.allows(origin):
            return response
        response.set_header("Access-Control-Allow-Origin", "*" if self._any else origin)
        if self._credentials:
            response.set_header("Access-Control-Allow-Credentials", "true")
        if preflight:
            if names := [
                name.strip()
                for name in request.headers.get(_REQUESTED_HEADERS, "").split(",")
                if name.strip()
            ]:
                response.set_header("Access-Control-Allow-Headers", ",".join(names))
            response.set_header("Access-Control-Allow-Methods", request.headers[_REQUESTED_METHOD])
        if len(self._origins) > 1:
            response.headers.append(("Vary", "Origin"))
        return response
