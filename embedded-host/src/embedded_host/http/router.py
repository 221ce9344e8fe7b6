"""Routes a request by its path: admin API, management API, dashboard, functions, home page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

from embedded_host.http.admin import Admin
from embedded_host.http.authorization import Authorization
from embedded_host.http.cors import Cors
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.management import ManagementApi
from embedded_host.http.security_headers import secure_html
from embedded_host.management.urls import WEBHOOK
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

RPC = "/durabletask"
DASHBOARD = "/dashboard"


class Dashboard(Protocol):
    async def handle(self, request: Request, path: str) -> Response:
        """``path`` follows ``/dashboard``."""


class Router:
    """``home`` returns the home page, None if it is disabled."""

    def __init__(
        self,
        functions: HttpFunctions,
        management: ManagementApi,
        admin: Admin,
        home: Callable[[], str | None],
        cors: Cors | None = None,
        dashboard: Dashboard | None = None,
        authorization: Authorization | None = None,
    ) -> None:
        self._functions, self._management, self._admin, self._home = (
            functions,
            management,
            admin,
            home,
        )
        self._cors = cors or Cors()
        self._dashboard = dashboard
        self._authorization = authorization or Authorization()

    async def public(self, request: Request) -> Response:
        """Handle a request to the public address."""
        lower = request.path.lower()
        if (
            (lower == DASHBOARD or lower.startswith(DASHBOARD + "/"))
            and self._dashboard
            and self.has_dashboard
        ):
            # No CORS: only the dashboard's own page uses it. The files of the page need no key, its API does.
            path = request.path[len(DASHBOARD) :]
            asks = "api" in unquote(path).lower().split("/")
            return (
                asks and self._authorization.to_management(request)
            ) or await self._dashboard.handle(request, path)
        return await self._cors.handle(request, self._answer)

    @property
    def has_dashboard(self) -> bool:
        """False if the app has a function with that route. A catch-all route does not count."""
        return self._dashboard is not None and not self._functions.serves_prefix(DASHBOARD[1:])

    async def _answer(self, request: Request) -> Response:
        """The paths of the host take precedence over those of functions (functions-host.md#http-routing)."""
        lower = request.path.lower()
        if lower == WEBHOOK or lower.startswith(WEBHOOK + "/"):
            refusal = self._authorization.to_management(request)
            return refusal or await self._management.handle(request, request.path[len(WEBHOOK) :])
        if lower == "/admin" or lower.startswith("/admin/"):
            return await self._admin.handle(request)
        if lower == "/runtime" or lower.startswith("/runtime/"):
            return empty_response(404)
        if request.path == "/" and not self._functions.has_route_for(request):
            home = self._home()
            return empty_response(204) if home is None else secure_html(home)
        return await self._functions.handle(request)

    async def client_request(
        self, public_url: str, method: str, path: str, body: bytes
    ) -> tuple[int, bytes]:
        """Handle a durable client's request that a worker forwarded. ``path`` follows the SDK endpoint's base. Return
        status and body."""
        response = await self.private(
            private_request(method, f"{RPC}/{path}", body, public_url), public_url
        )
        return response.status, response.body

    async def private(self, request: Request, public_url: str) -> Response:
        """Handle a request to the SDK's endpoint: the management API, whose responses contain public URLs."""
        lower = request.path.lower()
        if lower == RPC or lower.startswith(RPC + "/"):
            return await self._management.handle(request, request.path[len(RPC) :], public_url)
        return empty_response(404)


def private_request(method: str, path: str, body: bytes, base_url: str) -> Request:
    """Return the HTTP request that the SDK's client would have sent for a call that a worker forwarded.

    ``path`` has its query. A body is JSON."""

    async def read() -> bytes:
        return body

    headers = {"content-type": "application/json"} if body else {}
    path, _, query = path.partition("?")
    return Request(
        method, path, query, {**headers, "content-length": str(len(body))}, base_url, read
    )
