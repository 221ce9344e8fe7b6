"""The router: admin endpoints, management API, dashboard, functions and home page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import unquote

from embedded_host.http.admin import Admin
from embedded_host.http.authorization import Authorization
from embedded_host.http.client_refusals import log_refusal
from embedded_host.http.cors import Cors
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.host_in_error import not_running
from embedded_host.http.management import ManagementApi
from embedded_host.http.security_headers import secure_html
from embedded_host.http.throttle import SCALE_OUT
from embedded_host.management.urls import WEBHOOK
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

RPC = "/durabletask"
"""The path of the SDK's endpoint."""
METRICS = "/metrics"
"""The path of the metrics. A function with this route replaces it."""
DASHBOARD = "/dashboard"
"""The path of the dashboard."""


class Dashboard(Protocol):
    """The part of ``embedded_host.dashboard`` that the router uses."""

    async def handle(self, request: Request, path: str) -> Response:
        """Return the response to a request. ``path`` is the URL's path after ``/dashboard``."""


class Router:
    """The handler of all requests that the request filter accepts."""

    def __init__(
        self,
        functions: HttpFunctions,
        management: ManagementApi,
        admin: Admin,
        home: Callable[[], str | None],
        cors: Cors | None = None,
        dashboard: Dashboard | None = None,
        authorization: Authorization | None = None,
        *,
        custom_headers: Mapping[str, str] | None = None,
        in_error: Callable[[], bool] = bool,
    ) -> None:
        """Route requests by path. ``home`` returns the home page, or None if it is disabled.

        Each response outside the dashboard has the ``custom_headers`` of host.json. ``in_error``
        returns True while the host is in error.
        """
        self._functions, self._management, self._admin, self._home = (
            functions,
            management,
            admin,
            home,
        )
        self._cors = cors or Cors()
        self._dashboard = dashboard
        self._authorization = authorization or Authorization()
        self._custom_headers = dict(custom_headers or {})
        self._in_error = in_error

    async def public(self, request: Request) -> Response:
        """Return the response to a request to the public address."""
        lower = request.path.lower()
        if (
            (lower == DASHBOARD or lower.startswith(DASHBOARD + "/"))
            and self._dashboard
            and self.has_dashboard
        ):
            # CORS does not apply, because only the dashboard's own page uses these paths.
            # The files of the page require no key. The API of the page requires a key.
            path = request.path[len(DASHBOARD) :]
            is_api = "api" in unquote(path).lower().split("/")
            refusal = self._authorization.to_management(request) if is_api else None
            return refusal or await self._dashboard.handle(request, path)
        return self._with_custom_headers(await self._cors.handle(request, self._route))

    def _with_custom_headers(self, response: Response) -> Response:
        """Add the headers that the response does not have yet.

        The Azure Functions host refuses requests with 429 before it adds the headers.
        """
        if self._custom_headers and SCALE_OUT not in response.headers:
            present = {name.lower() for name, _ in response.headers}
            response.headers += [
                (name, value)
                for name, value in self._custom_headers.items()
                if name.lower() not in present
            ]
        return response

    @property
    def has_dashboard(self) -> bool:
        """True if the host has a dashboard and no function of the app has the same route.

        A catch-all route does not replace the dashboard.
        """
        return self._dashboard is not None and not self._functions.serves_prefix(DASHBOARD[1:])

    async def _route(self, request: Request) -> Response:
        """Return the response to a request for a path outside the dashboard.

        Paths of the host take precedence over routes of functions (functions-host.md#http-routing).
        """
        lower = request.path.lower()
        if (
            lower == METRICS
            and not self._functions.has_route_for(request)
            and (metrics := await self._admin.metrics(request))
        ):
            return metrics
        is_admin = lower == "/admin" or lower.startswith("/admin/")
        if self._in_error() and not is_admin:
            return not_running()
        if lower == WEBHOOK or lower.startswith(WEBHOOK + "/"):
            refusal = self._authorization.to_management(request)
            return refusal or await self._management.handle(request, request.path[len(WEBHOOK) :])
        if is_admin:
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
        """Return the status and body of the response to a durable client's request.

        A worker forwarded the request. ``path`` is the path after the base URL of the SDK's
        endpoint, with its query.
        """
        response = await self.private(
            private_request(method, f"{RPC}/{path}", body, public_url), public_url
        )
        return response.status, response.body

    async def private(self, request: Request, public_url: str) -> Response:
        """Return the response of the management API to a request to the SDK's endpoint.

        URLs in the response begin with ``public_url``.
        """
        lower = request.path.lower()
        if lower == RPC or lower.startswith(RPC + "/"):
            path = request.path[len(RPC) :]
            response = await self._management.handle(request, path, public_url)
            if response.status >= 400:
                log_refusal(request.method, path, response)
            return response
        return empty_response(404)


def private_request(method: str, path: str, body: bytes, base_url: str) -> Request:
    """Return the HTTP request for a durable client's request that a worker forwarded.

    ``path`` includes the query. ``body`` is JSON or empty.
    """

    async def read() -> bytes:
        return body

    headers = {"content-type": "application/json"} if body else {}
    path, _, query = path.partition("?")
    return Request(
        method, path, query, {**headers, "content-length": str(len(body))}, base_url, read
    )
