"""What is served at ``/dashboard``."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from embedded_host.dashboard.assets import asset
from embedded_host.dashboard.functions import calls, functions_shown
from embedded_host.dashboard.query_parameters import Asked, InvalidParameterError, whole
from embedded_host.dashboard.server_sent_events import Changes
from embedded_host.engine.json_codec import compact
from embedded_host.store.overview import Listed, Overview, Wanted
from embedded_host.task_hub.hub import TaskHub
from embedded_host.web.request import Request
from embedded_host.web.response import JSON, Response, json_response, text_response
from embedded_host.workers.loaded_app import LoadedApp

log = logging.getLogger("embedded_host.dashboard")
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_SAMPLES = {"newest": 500, "each": 5, "longest": 200_000}
"""Which histories tell what an orchestrator calls."""
_OFFERED = 200
"""Names of awaited events that the filter offers."""
_STATE = 20_000
"""Characters of an entity's state in the list."""
T = TypeVar("T")


class Dashboard:
    """``state`` is the state file; nothing of it is opened before somebody looks."""

    def __init__(self, state: Path, hub: TaskHub, current: Callable[[], LoadedApp]) -> None:
        self._state, self._hub, self._current = state, hub, current
        self._overview: Overview | None = None
        self._watch: Overview | None = None
        self._changes: Changes | None = None
        self._thread = ThreadPoolExecutor(1, "dashboard")

    async def handle(self, request: Request, path: str) -> Response:
        """``path`` is what follows ``/dashboard``."""
        try:
            response = await self._answer(request, path.strip("/"))
        except InvalidParameterError as error:
            response = _refusal(str(error), 400)
        except sqlite3.Error as error:
            log.error("The dashboard could not read the state: %s [EH331]", error)
            response = _refusal(f"The dashboard could not read the state: {error}. [EH331]", 500)
        response.headers.extend(_HEADERS)
        return response

    def close(self) -> None:
        if self._overview is not None:
            self._overview.interrupt()
        self._thread.shutdown(cancel_futures=True)
        for overview in (self._overview, self._watch):
            if overview is not None:
                overview.close()

    async def _answer(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, b"", [("Allow", "GET, HEAD")])
        if not path.startswith("api/"):
            found = asset(request, path or "index.html")
            return found or text_response("The dashboard has no such page. [EH337]", status=404)
        # Another site's page may link to this one, but reads nothing of it. (Browsers say where a request comes from.)
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _refusal("The dashboard answers its own page only. [EH242]", 403)
        answers = {
            "instances": self._instances,
            "histogram": self._histogram,
            "instance": self._instance,
            "entities": self._entities,
            "functions": self._functions,
            "events": self._events,
        }
        answer = answers.get(path.removeprefix("api/"))
        if answer is None:
            return _refusal("The dashboard has no such question. [EH337]", 404)
        response = await answer(Asked(request.query))
        if request.method == "HEAD":
            response.stream = None  # it would have no end, and nothing to send
        response.headers.append(("Cache-Control", "no-store"))
        return response

    async def _read(self, look: Callable[[Overview], T]) -> T:
        """In a thread, where a long query takes nobody's time; one at a time."""

        def run() -> T:
            if self._overview is None:
                self._overview = Overview(self._state)
            return look(self._overview)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    # -- lists -----------------------------------------------------------------------------------------

    async def _instances(self, asked: Asked) -> Response:
        hub, wanted, everything = self._hub.name, asked.wanted(), asked.wanted(any_status=True)
        sort, descending, limit, offset = (
            asked.sort(),
            asked.flag("desc"),
            asked.number("limit", 100, 1000),
            asked.offset(),
        )

        def look(overview: Overview) -> dict[str, Any]:
            began = time.perf_counter()
            rows = overview.page(hub, wanted, sort, descending, limit, offset)
            counts = overview.counts(hub, everything) if asked.flag("counts") else None
            waits = overview.waits(hub, rows)
            cost = (time.perf_counter() - began) * 1000
            return {"rows": [_row(row, waits.get(row.key)) for row in rows], "counts": counts, "ms": round(cost, 1)}

        return json_response(await self._read(look))

    async def _histogram(self, asked: Asked) -> Response:
        hub, wanted, spans = self._hub.name, asked.wanted(), asked.number("spans", 48, 200)
        until = int(time.time() * 1_000_000)

        def look(overview: Overview) -> dict[str, Any]:
            began = time.perf_counter()
            bounds = overview.bounds(hub)
            if bounds is None:
                return {"start": None}
            start = asked.micros("from") or bounds[0]
            end = max(min(asked.micros("to") or until, until), start + spans)
            width = (end - start) // spans + 1
            started = overview.started(hub, wanted, start, width)
            ended = overview.ended(hub, wanted, start, width)
            return {
                "start": start / 1000,
                "width": width / 1000,
                "started": [started.get(n, 0) for n in range(spans)],
                "ended": {status: [found.get(n, 0) for n in range(spans)] for status, found in ended.items()},
                "ms": round((time.perf_counter() - began) * 1000, 1),
            }

        return json_response(await self._read(look))

    async def _entities(self, asked: Asked) -> Response:
        hub, limit, offset = self._hub.name, asked.number("limit", 100, 1000), asked.offset()
        name, key = asked.text("name").lower(), asked.text("prefix")
        prefix = f"@{name}@{key}" if name else f"@{key}" if key else None
        wanted = Wanted(id_prefix=prefix, entities=True)

        def look(overview: Overview) -> dict[str, Any]:
            rows = overview.page(hub, wanted, asked.sort("id"), asked.flag("desc"), limit, offset)
            states = overview.entity_states([row.key for row in rows])
            return {
                "rows": [_row(row) | _state(states.get(row.key), row.key in states) for row in rows],
                "total": sum(overview.counts(hub, wanted).values()),
                "names": [name.removeprefix("@") for name in overview.entity_names(hub)],
            }

        return json_response(await self._read(look))

    # -- one instance ----------------------------------------------------------------------------------

    async def _instance(self, asked: Asked) -> Response:
        """The row, and the events of the turns that the page does not have. ``known`` says which it has."""
        hub, instance_id, known = self._hub.name, asked.needed("id"), asked.text("known")

        def look(overview: Overview) -> str | None:
            with overview.one_moment():
                row = overview.instance(hub, instance_id)
                if row is None:
                    return None
                turns, first = overview.turns(row["key"])
                history = f"{row['key']}:{row['executionId']}:{first}"
                seen, _, count = known.rpartition("/")
                read = whole(count) if seen == history else None
                after = read if read is not None and read <= turns else 0
                texts = overview.history(row["key"], after)
            row |= {"created": row["created"] / 1000, "updated": row["updated"] / 1000}
            row |= {"known": f"{history}/{turns}", "appended": after > 0}
            # The turns are JSON as they stand: putting them together takes no reading of them.
            events = ",".join(text[1:-1] for text in texts if text != "[]")
            return f'{compact(row)[:-1]},"events":[{events}]}}'

        found = await self._read(look)
        if found is None:
            return _refusal("There is no such instance. [EH338]", 404)
        return Response(200, found.encode("utf-8", "replace"), [("Content-Type", JSON)])

    # -- the rest --------------------------------------------------------------------------------------

    async def _functions(self, asked: Asked) -> Response:
        hub = self._hub.name
        used, awaited = await self._read(lambda overview: (overview.used(hub), overview.awaited_events(hub, _OFFERED)))
        shown = functions_shown(self._current(), used) | {"ran": sorted(used), "awaited": awaited}
        if asked.flag("calls"):
            shown["calls"] = await self._read(lambda overview: calls(overview.samples(hub, **_SAMPLES)))
        return json_response({"hub": hub, "root": self._current().app.root.name, **shown})

    async def _events(self, asked: Asked) -> Response:
        if self._changes is None:
            watch = self._watch = Overview(self._state)
            self._changes = Changes(watch.version, partial(watch.pulse, self._hub.name))
        return self._changes.stream(asked.text("id"))


def _refusal(text: str, status: int) -> Response:
    return json_response({"error": text}, status)


def _row(row: Listed, waits: list[str] | None = None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created": row.created / 1000,
        "updated": row.updated / 1000,
        "waits": waits,
    }


def _state(state: str | None, exists: bool) -> dict[str, Any]:
    text = state or ""
    return {"state": text[:_STATE] if exists else None, "cut": len(text) > _STATE}
