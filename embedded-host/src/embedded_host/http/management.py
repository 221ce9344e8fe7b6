"""The management API of Durable Functions (functions-host.md#management-api)."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict

from embedded_host.http.management_entities import EntityRoutes
from embedded_host.http.management_instances import InstanceRoutes
from embedded_host.http.management_queries import ListRoutes
from embedded_host.http.management_responses import (
    INTERNAL_ERROR,
    exception_response,
    message_response,
)
from embedded_host.management.parameters import form_decoded
from embedded_host.management.urls import ManagementUrls
from embedded_host.store.interface import StateError
from embedded_host.task_hub.client import HubClient
from embedded_host.web.request import (
    BodyTooLargeError,
    ClientGoneError,
    MalformedBodyError,
    Request,
)
from embedded_host.web.response import Response, empty_response

log = logging.getLogger("embedded_host.http")
HUB_NAME = re.compile("[A-Za-z][A-Za-z0-9]{2,49}")
"""Valid names of task hubs (functions-host.md#host-json)."""
OTHERS = 100
"""Maximum number of other task hubs in memory. The least recently used one is removed."""


class ManagementApi:
    """The management API of one task hub, and of other task hubs in the same state file.

    The query parameter ``taskHub`` selects another task hub.
    """

    def __init__(self, client: HubClient, urls: ManagementUrls) -> None:
        self._client, self._urls = client, urls
        self._own = _Routes(client, urls)
        self._others: OrderedDict[str, _Routes] = OrderedDict()

    async def handle(self, request: Request, path: str, public_url: str | None = None) -> Response:
        """Return the response to a request.

        ``path`` is the percent-encoded path after ``/runtime/webhooks/durabletask`` or
        ``/durabletask``. URLs in the response begin with ``public_url``, or by default with the
        base URL of the request.
        """
        try:
            return await self._routed(request, path, public_url or request.base_url)
        except (BodyTooLargeError, ClientGoneError, MalformedBodyError):
            raise
        except StateError as error:
            log.error(
                "%s %s failed with status 500: %s [EH218]", request.method, request.path, error
            )
            return exception_response(
                500,
                INTERNAL_ERROR,
                "The state file could not be read. The host's log has the reason.",
                type(error).__name__,
            )
        except Exception as error:
            log.exception("%s %s failed with status 500 [EH330]", request.method, request.path)
            return exception_response(500, INTERNAL_ERROR, str(error), type(error).__name__)

    async def _routed(self, request: Request, path: str, base: str) -> Response:
        # The path is decoded before it is split, so that an id with a slash matches no route
        # (functions-host.md#start-an-instance).
        segments = form_decoded(path).strip("/").split("/")
        if not all(segments):
            return empty_response(404)
        name = request.query.get("taskhub", "").strip() or self._urls.hub
        if name.lower() != self._urls.hub.lower() and not HUB_NAME.fullmatch(name):
            return message_response(400, f"'{name}' is not a valid name of a task hub.")
        return await self._routes(name).handle(request, base, segments)

    def _routes(self, hub: str) -> _Routes:
        name = hub.lower()
        if name == self._urls.hub.lower():
            return self._own
        routes = self._others.pop(name, None)
        if routes is None:
            urls = ManagementUrls(hub, self._urls.key)
            routes = _Routes(self._client.of_hub(name), urls)
        self._others[name] = routes
        if len(self._others) > OTHERS:
            self._others.popitem(last=False)
        return routes


class _Routes:
    """The routes of one task hub."""

    def __init__(self, client: HubClient, urls: ManagementUrls) -> None:
        self._instances = InstanceRoutes(client, urls)
        self._queries = ListRoutes(client)
        self._entities = EntityRoutes(client)

    async def handle(self, request: Request, base: str, segments: list[str]) -> Response:
        kind, rest, method = segments[0].lower(), segments[1:], request.method
        if kind == "entities":
            return await self._entities.handle(request, rest)
        if kind == "instances":
            return await self._on_instances(request, base, rest)
        if kind == "orchestrators" and len(rest) in (1, 2) and method == "POST":
            return await self._instances.start(
                request, base, rest[0], rest[1] if len(rest) == 2 else None
            )
        if (
            kind == "makeprimary"
            and not rest
            and method in ("GET", "PUT", "POST", "DELETE", "OPTIONS")
        ):
            return empty_response(200)
        return empty_response(404)

    async def _on_instances(self, request: Request, base: str, rest: list[str]) -> Response:
        """Return the response to a request. ``rest`` are the path segments after ``instances``."""
        method = request.method
        if not rest and method == "GET":
            return await self._queries.list(request)
        if not rest and method == "DELETE":
            return await self._queries.purge(request)
        if len(rest) == 1 and method == "GET":
            return await self._instances.status(request, rest[0])
        if len(rest) == 1 and method == "DELETE":
            return await self._instances.purge(rest[0])
        if len(rest) == 2 and method == "POST":
            return await self._instances.operate(request, base, rest[0], rest[1].lower())
        if len(rest) == 3 and method == "POST" and rest[1].lower() == "raiseevent":
            return await self._instances.raise_event(request, rest[0], rest[2])
        return empty_response(404)
