"""The check of a request's access key, and the response to a refused request.

The responses follow recordings (functions-host.md#authorization and #admin-endpoints).
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from embedded_host.access_keys.access import Access, Decision
from embedded_host.app.definitions import Function
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

HEADER, PARAMETER = "x-functions-key", "code"


class Authorization:
    """The access check of each part of the host.

    The ``to_`` methods return the response to a refused request, or None for an allowed request.
    """

    def __init__(self, access: Access | None = None) -> None:
        """Check keys with ``access``. If ``access`` is None, every request is allowed."""
        self._access = access or Access()

    def to_function(self, request: Request, function: Function) -> Response | None:
        """Check a request to an HTTP function. A refused request receives an empty 401."""
        decision = self._access.to_function(request_key(request), function)
        return None if decision is Decision.ALLOWED else empty_response(401)

    def to_management(self, request: Request) -> Response | None:
        """Check a request to the management API: a system key or the master key is required."""
        return _refusal(self._access.to_management(request_key(request)))

    def to_admin(self, request: Request) -> Response | None:
        """Check a request to an admin endpoint: the master key is required."""
        return _refusal(self._access.to_admin(request_key(request)))

    @property
    def requires_keys(self) -> bool:
        """True if requests need keys (``--auth``)."""
        return self._access.keys is not None

    def is_master(self, request: Request) -> bool:
        """Return True if the request has the master key, or if no keys are required."""
        return self._access.is_master(request_key(request))


def request_key(request: Request) -> str:
    """Return the access key of a request, or "" if it has none.

    The header takes precedence over the query, even if the header is empty. If the query has
    several ``code`` parameters, the first one is the key.
    """
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
