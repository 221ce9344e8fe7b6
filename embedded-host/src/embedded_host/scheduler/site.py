"""The web site of the scheduler: the list of task hubs, their dashboards and management APIs.

A path begins with ``/HUB``. Without this prefix, the dashboard and the management API use the task
hub in the query parameter ``taskHub``, or the task hub ``default``.
"""

from __future__ import annotations

import hmac
import html
from pathlib import Path
from urllib.parse import quote, unquote

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.dashboard.dashboard import Dashboard
from embedded_host.http.authorization import request_key
from embedded_host.http.management import ManagementApi
from embedded_host.http.router import DASHBOARD
from embedded_host.http.security_headers import secure_html
from embedded_host.management.urls import WEBHOOK, ManagementUrls
from embedded_host.scheduler.task_hubs import ScheduledHub, TaskHubs
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.sdk2.grpc_server import DEFAULT_TASK_HUB


class Site:
    """Handles the HTTP requests."""

    def __init__(self, state: Path, hubs: TaskHubs, token: str = "") -> None:
        """Serve ``hubs``.

        ``state`` is the path of the state file. If ``token`` is not empty, each request for data
        must have the token as its access key.
        """
        self._state, self._hubs, self._token = state, hubs, token
        self._of_hub: dict[str, _HubSite] = {}

    async def handle(self, request: Request) -> Response:
        """Return the response to a request."""
        path = request.path
        if path == "/":
            return self._refusal(request) or secure_html(self._home())
        name, path = _split(path, request.query.get("taskhub", "").strip())
        hub = self._hubs.find(name)
        lower = path.lower()
        if lower == DASHBOARD or lower.startswith(DASHBOARD + "/"):
            rest = path[len(DASHBOARD) :]
            # The dashboard's API requires the token. The files of the page do not.
            is_api = "api" in unquote(rest).lower().split("/")
            if is_api and (refusal := self._refusal(request)):
                return refusal
            if hub is None and (is_api or name.lower() != DEFAULT_TASK_HUB):
                return empty_response(404)
            return await self._site(hub or self._hubs.open(name)).dashboard.handle(request, rest)
        if hub is not None and (lower == WEBHOOK or lower.startswith(WEBHOOK + "/")):
            refusal = self._refusal(request)
            return refusal or await self._site(hub).management.handle(request, path[len(WEBHOOK) :])
        return empty_response(404)

    def close(self) -> None:
        """Close the connections to the state file."""
        for site in self._of_hub.values():
            site.dashboard.close()

    def _site(self, hub: ScheduledHub) -> _HubSite:
        site = self._of_hub.get(hub.name)
        if site is None or site.hub is not hub:  # the task hub was deleted and created again
            if site is not None:
                site.dashboard.close()
            site = self._of_hub[hub.name] = _HubSite(self._state, hub, self._token)
        return site

    def _refusal(self, request: Request) -> Response | None:
        given = request_key(request).encode("utf-8", "surrogateescape")
        if not self._token or hmac.compare_digest(given, self._token.encode()):
            return None
        return Response(401, b"", [("WWW-Authenticate", "Bearer")])

    def _home(self) -> str:
        rows = "".join(
            f'<li><a href="/{quote(name)}{DASHBOARD}">{html.escape(name)}</a> '
            f"({workers} connected {'worker' if workers == 1 else 'workers'})</li>"
            for name in self._hubs.names
            if (hub := self._hubs.find(name)) is not None
            for workers in (hub.queue.workers,)
        )
        hubs = f"<ul>{rows}</ul>" if rows else "<p>No client or worker has connected yet.</p>"
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Scheduler</title>'
            f"<body><h1>Task hubs</h1>{hubs}</body></html>"
        )


class _HubSite:
    """The dashboard and the management API of one task hub."""

    def __init__(self, state: Path, hub: ScheduledHub, token: str) -> None:
        self.hub = hub
        app = App(Path(hub.name), HostJson(hub_name=hub.name), LocalSettings(), ())
        self.dashboard = Dashboard(state, hub.hub, CurrentApp(LoadedApp(app)))
        self.management = ManagementApi(hub.client, ManagementUrls(hub.name, lambda: token))


def _split(path: str, parameter: str) -> tuple[str, str]:
    """Return the name of the task hub, and the rest of the path.

    ``parameter`` is the value of the query parameter ``taskHub``.
    """
    lower = path.lower()
    if lower.startswith((DASHBOARD, "/runtime/")):
        return parameter or DEFAULT_TASK_HUB, path
    name, _, rest = path[1:].partition("/")
    return unquote(name), f"/{rest}"
