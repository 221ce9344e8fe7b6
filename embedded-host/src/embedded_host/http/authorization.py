"""Checks the access key of a request, and builds the response to one that is refused (recorded; functions-host.md#authorization and #admin-endpoints)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from embedded_host.access_keys.access import Access, Decision
from embedded_host.app.definitions import Function
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

HEADER, PARAMETER = "x-functions-key", "code"


class Authorization:
    """The methods return the response to a refused request, None for an allowed one."""

    def __init__(self, access: Access | None = None) -> None:
        """``access`` None allows everything."""
        self._access = access or Access()

    def to_function(self, request: Request, function: Function) -> Response | None:
        """A refusal is an empty 401 in all cases."""
        decision = self._access.to_function(request_key(request), function)
        return None if decision is Decision.ALLOWED else empty_response(401)

    def to_management(self, request: Request) -> Response | None:
        return _refusal(self._access.to_management(request_key(request)))

    def to_admin(self, request: Request) -> Response | None:
        return _refusal(self._access.to_admin(request_key(request)))

    def is_master(self, request: Request) -> bool:
        """Return True for a request that may see all details."""
        return self._access.is_master(request_key(request))


def request_key(request: Request) -> str:
    """Return the key of a request, empty without one. A header takes precedence, even if it is empty, then the first ``code``."""
    header = request.headers.get(HEADER)
    if header is not None:
        return header
    if PARAMETER not in request.query_text.lower():
        return ""
    return next((v for n, v in parse_qsl(request.query_text) if n.lower() == PARAMETER), "")


def _refusal(decision: Decision) -> Response | None:
    if decision is Decision.ALLOWED:
        return None
    if decision is Decision.FORBIDDEN:
        return empty_response(403)
    return Response(401, b"", [("WWW-Authenticate", "Bearer")])
