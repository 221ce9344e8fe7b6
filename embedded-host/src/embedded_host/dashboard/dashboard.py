"""The dashboard: its static files, and its API under ``/dashboard/api``.

The API only reads, except the endpoint ``bulk``.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from embedded_host.dashboard.assets import asset
from embedded_host.dashboard.bulk import bulk_response
from embedded_host.dashboard.functions import app_functions, calls
from embedded_host.dashboard.instance_page import instance_document, instance_value
from embedded_host.dashboard.list_documents import (
    causes_document,
    entities_document,
    histogram_document,
    instances_document,
)
from embedded_host.dashboard.log_document import log_query, read_log_document
from embedded_host.dashboard.query_parameters import (
    InvalidParameterError,
    QueryParameters,
    parse_integer,
)
from embedded_host.dashboard.server_sent_events import ChangeFeed
from embedded_host.management.host_report import HostReport
from embedded_host.parity.documents import parity_document
from embedded_host.store.interface import StateError
from embedded_host.store.log_lines import LOG_LINES
from embedded_host.store.overview import Overview
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.instance_tree import NODES, instance_tree
from embedded_host.web.request import Request
from embedded_host.web.response import JSON, Response, json_response, text_response
from embedded_host.workers.current_app import CurrentApp

log = logging.getLogger("embedded_host.dashboard")
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_SAMPLES = {"newest": 500, "each": 5, "longest": 200_000}
"""The sample of histories from which an orchestrator's calls are read.

``newest`` is the number of newest instances from which the sample is taken. ``each`` is the maximum
number of histories per orchestrator. ``longest`` is the maximum length of a history in characters.
"""
_AWAITED_EVENTS = 200
"""Maximum number of awaited events that the filter lists."""
T = TypeVar("T")


class Dashboard:
    """The dashboard of one task hub."""

    def __init__(
        self,
        state: Path,
        hub: TaskHub,
        app: CurrentApp,
        report: Callable[[], HostReport] | None = None,
    ) -> None:
        """Create the dashboard.

        ``state`` is the path of the state file. The first request that reads the file opens it.
        ``report`` returns the report about the host, or is None if there is no such report.
        """
        self._state, self._hub, self._app = state, hub, app
        self._report = report
        self._overview: Overview | None = None
        self._feed_overview: Overview | None = None
        self._feed: ChangeFeed | None = None
        self._thread = ThreadPoolExecutor(1, "dashboard")

    async def handle(self, request: Request, path: str) -> Response:
        """Return the response to a request. ``path`` is the URL's path after ``/dashboard``."""
        try:
            response = await self._dispatch(request, path.strip("/"))
        except InvalidParameterError as error:
            response = _error(str(error), 400)
        except sqlite3.Error as error:
            log.error("The dashboard could not read the state file: %s. [EH331]", error)
            response = _error(f"The dashboard could not read the state file: {error}. [EH331]", 500)
        except StateError as error:
            log.error("%s", error)
            response = _error(str(error), 500)
        response.headers.extend(_HEADERS)
        return response

    def close(self) -> None:
        """Interrupt the running query and close the connections to the state file."""
        if self._overview is not None:
            self._overview.interrupt()
        self._thread.shutdown(cancel_futures=True)
        for overview in (self._overview, self._feed_overview):
            if overview is not None:
                overview.close()

    async def _dispatch(self, request: Request, path: str) -> Response:
        allowed = ("POST",) if path == "api/bulk" else ("GET", "HEAD")
        if request.method not in allowed:
            return Response(405, b"", [("Allow", ", ".join(allowed))])
        if not path.startswith("api/"):
            response = asset(request, path or "index.html")
            return response or text_response("The dashboard has no such page. [EH337]", status=404)
        # Pages of other sites may link to the dashboard but must not read its data.
        # The browser sends Sec-Fetch-Site, and no page can change it.
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _error("The dashboard's API accepts requests of its own page only. [EH242]", 403)
        endpoints = {
            "instances": self._instances,
            "bulk": self._bulk,
            "causes": self._causes,
            "histogram": self._histogram,
            "instance": self._instance,
            "value": self._value,
            "entities": self._entities,
            "functions": self._functions,
            "findings": self._findings,
            "logs": self._logs,
            "host": self._host,
            "events": self._events,
        }
        name = path.removeprefix("api/")
        endpoint = endpoints.get(name)
        if name.startswith("instances/") and name.endswith("/tree"):
            encoded_id = name.removeprefix("instances/").removesuffix("/tree")
            endpoint = partial(self._tree, unquote(encoded_id))
        if endpoint is None:
            return _error("The dashboard's API has no such endpoint. [EH337]", 404)
        parameters = QueryParameters(request.query)
        hub = parameters.text("taskhub")
        if hub and hub.lower() != self._hub.name.lower():
            return _error(
                f"This dashboard has the task hub '{self._hub.name}' only, not '{hub}'. [EH338]",
                404,
            )
        response = await endpoint(parameters)
        if request.method == "HEAD":
            response.stream = None  # a HEAD response has no body
        response.headers.append(("Cache-Control", "no-store"))
        return response

    async def _read(self, query: Callable[[Overview], T]) -> T:
        """Run a query in the dashboard's thread, so that the query does not block the event loop.

        Queries run one at a time.
        """

        def run() -> T:
            if self._overview is None:
                self._overview = Overview(self._state)
            return query(self._overview)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    # -- instances and entities

    async def _instances(self, parameters: QueryParameters) -> Response:
        return await self._list(instances_document, parameters)

    async def _causes(self, parameters: QueryParameters) -> Response:
        return await self._list(causes_document, parameters)

    async def _histogram(self, parameters: QueryParameters) -> Response:
        return await self._list(histogram_document, parameters)

    async def _entities(self, parameters: QueryParameters) -> Response:
        return await self._list(entities_document, parameters)

    async def _list(
        self,
        document: Callable[[Overview, str, QueryParameters], object],
        parameters: QueryParameters,
    ) -> Response:
        hub = self._hub.name
        body = await self._read(lambda overview: document(overview, hub, parameters))
        parameters.reject_unknown()
        return json_response(body)

    async def _bulk(self, parameters: QueryParameters) -> Response:
        return await bulk_response(HubClient(self._hub), parameters)

    async def _instance(self, parameters: QueryParameters) -> Response:
        """Return the row of an instance, the interpretation of its history, and its new events."""
        hub, instance_id = self._hub, parameters.required("id")
        body = await self._read(
            lambda overview: instance_document(
                overview, hub.name, instance_id, parameters.text("known"), hub.running_since
            )
        )
        if body is None:
            return _error(f"There is no instance '{instance_id}'. [EH338]", 404)
        return Response(200, body.encode("utf-8", "replace"), [("Content-Type", JSON)])

    async def _tree(self, instance_id: str, parameters: QueryParameters) -> Response:
        """Return an instance with its sub-orchestrations and entities (``instance_tree``)."""
        nodes = parameters.number("limit", NODES, NODES)
        tree = await self._read(
            lambda overview: overview.read(
                lambda store: instance_tree(store, self._hub.name, instance_id, nodes)
            )
        )
        if tree is None:
            return _error(f"There is no instance '{instance_id}'. [EH338]", 404)
        return json_response(tree.document())

    async def _value(self, parameters: QueryParameters) -> Response:
        """Return a whole value of an instance, for a download.

        ``part`` is ``input``, ``output``, ``customStatus`` or ``history``. Without it, ``event``
        and ``field`` select a field of a history event.
        """
        hub, instance_id = self._hub.name, parameters.required("id")
        part, field = parameters.text("part"), parameters.text("field")
        event = parse_integer(parameters.text("event") or "-1")
        text = await self._read(
            lambda overview: instance_value(overview, hub, instance_id, part, event, field)
        )
        if text is None:
            return _error(f"The instance '{instance_id}' has no such value. [EH338]", 404)
        return Response(
            200,
            text.encode("utf-8", "replace"),
            [("Content-Type", JSON), ("Content-Disposition", "attachment")],
        )

    # -- functions and changes

    async def _functions(self, parameters: QueryParameters) -> Response:
        hub = self._hub.name
        uses, awaited = await self._read(
            lambda overview: (
                overview.orchestrators(hub),
                overview.awaited_events(hub, _AWAITED_EVENTS),
            )
        )
        loaded = self._app.loaded
        document: dict[str, object] = {
            "hub": hub,
            "root": loaded.app.root.name,
            "functions": app_functions(loaded, uses),
            "problem": loaded.problem,
            "ran": sorted(uses),
            "awaited": awaited,
        }
        if parameters.flag("calls"):
            document["calls"] = await self._read(
                lambda overview: calls(overview.samples(hub, **_SAMPLES))
            )
        return json_response(document)

    async def _findings(self, parameters: QueryParameters) -> Response:
        return json_response(msgspec.to_builtins(parity_document(self._hub.findings)))

    async def _logs(self, parameters: QueryParameters) -> Response:
        """Return the log lines of an instance or a function: the newest, or those near a line."""
        query = log_query(self._hub.name, parameters)
        path = self._state.with_name(LOG_LINES)
        loop = asyncio.get_running_loop()
        document = await loop.run_in_executor(self._thread, read_log_document, path, query)
        return json_response(document)

    async def _host(self, parameters: QueryParameters) -> Response:
        report = None if self._report is None else msgspec.to_builtins(self._report())
        return json_response(report)

    async def _events(self, parameters: QueryParameters) -> Response:
        if self._feed is None:
            overview = self._feed_overview = Overview(self._state)
            self._feed = ChangeFeed(overview.version, partial(overview.fingerprint, self._hub.name))
        return self._feed.stream(parameters.text("id"))


def _error(text: str, status: int) -> Response:
    return json_response({"error": text}, status)
