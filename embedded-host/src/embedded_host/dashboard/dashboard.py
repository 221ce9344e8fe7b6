"""The dashboard: its static files, and its API under ``/dashboard/api``.

The API only reads, except the endpoint ``bulk``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from embedded_host.dashboard.assets import asset
from embedded_host.dashboard.bulk import bulk_response
from embedded_host.dashboard.functions import app_functions, calls
from embedded_host.dashboard.instance_steps import interpretation
from embedded_host.dashboard.log_document import log_document, log_query
from embedded_host.dashboard.long_values import (
    cut_parts,
    decoded_input,
    encoded_starts,
    event_value,
    start_of,
    values_of,
)
from embedded_host.dashboard.query_parameters import (
    InvalidParameterError,
    QueryParameters,
    parse_integer,
)
from embedded_host.dashboard.server_sent_events import ChangeFeed
from embedded_host.engine.events import encode_events
from embedded_host.engine.json_codec import compact
from embedded_host.management.host_report import HostReport
from embedded_host.parity.documents import parity_document
from embedded_host.store.failure_causes import first_line
from embedded_host.store.instance_lists import InstanceValues, ListedInstance
from embedded_host.store.interface import InstanceQuery, StateError
from embedded_host.store.log_lines import LOG_LINES, read_lines
from embedded_host.store.overview import InstanceDetails, Overview
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
_ENTITY_STATE = 20_000
"""Maximum characters of an entity state in the list. The rest is cut off."""
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

    # -- lists

    async def _instances(self, parameters: QueryParameters) -> Response:
        hub, conditions = self._hub.name, parameters.instance_query()
        sort, descending = parameters.order()
        limit, offset = parameters.number("limit", 100, 1000), parameters.offset()
        with_counts, with_values = parameters.flag("counts"), parameters.flag("values")
        any_status = parameters.instance_query(any_status=True)

        def query(overview: Overview) -> dict[str, object]:
            began = time.perf_counter()
            rows = overview.lists.page(hub, conditions, sort, descending, limit, offset)
            counts = overview.lists.counts(hub, any_status) if with_counts else None
            waits = overview.lists.waits(hub, rows)
            children = overview.lists.child_counts(hub, rows)
            values = overview.lists.values([row.key for row in rows]) if with_values else {}
            cost = (time.perf_counter() - began) * 1000
            return {
                "rows": [
                    _row(row, waits.get(row.key), children.get(row.id, 0))
                    | _values(values.get(row.key))
                    for row in rows
                ],
                "counts": counts,
                "ms": round(cost, 1),
            }

        return json_response(await self._read(query))

    async def _causes(self, parameters: QueryParameters) -> Response:
        hub, conditions = self._hub.name, parameters.instance_query()
        causes = await self._read(lambda overview: overview.lists.causes(hub, conditions))
        return json_response(
            [
                {
                    "key": group.cause.key,
                    "function": group.cause.function,
                    "errorType": group.cause.error_type,
                    "message": group.cause.message,
                    "count": group.count,
                    "first": group.first / 1000,
                    "last": group.last / 1000,
                    "example": {
                        "instanceId": group.example.id,
                        "error": _error_line(group.example),
                    },
                }
                for group in causes[: parameters.number("limit", 200, 1000)]
            ]
        )

    async def _bulk(self, parameters: QueryParameters) -> Response:
        return await bulk_response(HubClient(self._hub), parameters)

    async def _histogram(self, parameters: QueryParameters) -> Response:
        hub, conditions, spans = (
            self._hub.name,
            parameters.instance_query(),
            parameters.number("spans", 48, 200),
        )
        until = int(time.time() * 1_000_000)

        def query(overview: Overview) -> dict[str, object]:
            began = time.perf_counter()
            bounds = overview.lists.creation_range(hub)
            if bounds is None:
                return {"start": None}
            start = parameters.micros("from") or bounds[0]
            end = max(min(parameters.micros("to") or until, until), start + spans)
            width = (end - start) // spans + 1
            started = overview.lists.started_by_interval(hub, conditions, start, width)
            ended = overview.lists.ended_by_interval(hub, conditions, start, width)
            return {
                "start": start / 1000,
                "width": width / 1000,
                "started": [started.get(n, 0) for n in range(spans)],
                "ended": {
                    status: [counts.get(n, 0) for n in range(spans)]
                    for status, counts in ended.items()
                },
                "ms": round((time.perf_counter() - began) * 1000, 1),
            }

        return json_response(await self._read(query))

    async def _entities(self, parameters: QueryParameters) -> Response:
        hub, limit, offset = (
            self._hub.name,
            parameters.number("limit", 100, 1000),
            parameters.offset(),
        )
        name, key = parameters.text("name").lower(), parameters.text("prefix")
        prefix = f"@{name}@{key}" if name else f"@{key}" if key else None
        conditions = InstanceQuery(id_prefix=prefix, entities=True)

        def query(overview: Overview) -> dict[str, object]:
            rows = overview.lists.page(
                hub, conditions, parameters.sort("id"), parameters.flag("desc"), limit, offset
            )
            states = overview.entity_states([row.key for row in rows])
            return {
                "rows": [
                    _row(row) | _state(states.get(row.key), row.key in states) for row in rows
                ],
                "total": sum(overview.lists.counts(hub, conditions).values()),
                "names": [name.removeprefix("@") for name in overview.entity_names(hub)],
            }

        return json_response(await self._read(query))

    # -- one instance

    async def _instance(self, parameters: QueryParameters) -> Response:
        """Return the row of an instance, the interpretation of its history, and its new events.

        The parameter ``known`` identifies the turns that the page has already received. The events
        of these turns are omitted, unless a rewind or a new execution has replaced the history.
        """
        hub, instance_id, known = (
            self._hub.name,
            parameters.required("id"),
            parameters.text("known"),
        )

        def query(overview: Overview) -> str | None:
            with overview.snapshot():
                row = overview.instance(hub, instance_id)
                if row is None:
                    return None
                turns, first = overview.turns(row.key)
                history = f"{row.key}:{row.execution_id}:{first}"
                seen, _, count = known.rpartition("/")
                read = parse_integer(count) if seen == history else None
                after = read if read is not None and read <= turns else 0
                history_turns = overview.history(row.key)
            before = sum(map(len, history_turns[:after]))
            events, lengths = encoded_starts(history_turns[after:], before)
            details = {
                "key": row.key,
                "id": row.id,
                "name": row.name,
                "status": row.status,
                "created": row.created / 1000,
                "updated": row.updated / 1000,
                **_executions(row),
                "executionId": row.execution_id,
                "parent": json.loads(row.parent) if row.parent else None,
                "customStatus": start_of(row.custom_status),
                "output": start_of(row.output),
                "input": start_of(decoded_input(row.input)),
                "cut": {"events": lengths, **cut_parts(values_of(row))},
                "known": f"{history}/{turns}",
                "appended": after > 0,
                "interpretation": interpretation(
                    list(chain.from_iterable(history_turns)),
                    row.output,
                    datetime.now(timezone.utc),
                    partial(self._hub.running_since, row.key),
                ),
            }
            return f'{compact(details)[:-1]},"events":{events}}}'

        body = await self._read(query)
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
        index = parse_integer(parameters.text("event") or "-1")

        def query(overview: Overview) -> str | None:
            with overview.snapshot():
                row = overview.instance(hub, instance_id)
                if row is None:
                    return None
                if part in (values := values_of(row)):
                    return values[part]
                events = list(chain.from_iterable(overview.history(row.key)))
            if part == "history":
                return encode_events(events)
            return None if index is None else event_value(events, index, field)

        text = await self._read(query)
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
        """Return the log lines of an instance or a function: the newest, or those after a line."""
        query = log_query(self._hub.name, parameters)
        path = self._state.with_name(LOG_LINES)
        loop = asyncio.get_running_loop()
        lines = await loop.run_in_executor(self._thread, read_lines, path, query)
        return json_response(log_document(lines, query.after))

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


def _row(
    row: ListedInstance, waits: list[str] | None = None, children: int = 0
) -> dict[str, object]:
    document: dict[str, object] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created": row.created / 1000,
        "updated": row.updated / 1000,
        "waits": waits,
        **_executions(row),
    }
    if row.error:
        document["error"] = _error_line(row)
    if row.parent_id is not None:
        document["parentInstanceId"] = row.parent_id
    if children:
        document["childCount"] = children
    return document


def _values(values: InstanceValues | None) -> dict[str, object]:
    return (
        {}
        if values is None
        else {
            "customStatus": values.custom_status,
            "output": values.output,
            "input": values.input,
        }
    )


def _executions(row: ListedInstance | InstanceDetails) -> dict[str, object]:
    """Return the members of an instance that continue-as-new has started again."""
    if row.first_created is None:
        return {}
    return {"executions": row.executions, "firstCreatedTime": row.first_created / 1000}


def _error_line(row: ListedInstance) -> str:
    return first_line(row.name, row.error or "")


def _state(state: str | None, exists: bool) -> dict[str, object]:
    text = state or ""
    return {"state": text[:_ENTITY_STATE] if exists else None, "cut": len(text) > _ENTITY_STATE}
