"""The responses of a host in error (functions-host.md#host-json).

An invalid host.json puts the host in error. The process continues, and serves no function.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from embedded_host.http.authorization import Authorization
from embedded_host.http.host_status import host_status
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response

BODY = b"Function host is not running."


def not_running() -> Response:
    """Return the response to a request for a function."""
    return Response(503, BODY)


class HostInError:
    """The handler of all requests to a host that has no app."""

    def __init__(self, errors: Sequence[str], authorization: Authorization | None = None) -> None:
        """Report ``errors`` in the status of the host."""
        self.errors = errors
        self._authorization = authorization or Authorization()
        self._started = time.monotonic()

    async def handle(self, request: Request) -> Response:
        """Return the response to a request."""
        path = request.path.lower().rstrip("/")
        if path != "/admin" and not path.startswith("/admin/"):
            return not_running()
        if path == "/admin/host/ping" and request.method in ("GET", "POST"):
            return Response(200, b"", [("Cache-Control", "no-store,no-cache")])
        if refusal := self._authorization.to_admin(request):
            return refusal
        if path == "/admin/host/status" and request.method == "GET":
            return json_response(host_status(self._started, self.errors, in_error=True))
        if path == "/admin/functions" and request.method == "GET":
            return json_response([])
        return empty_response(503 if request.method == "POST" else 404)
