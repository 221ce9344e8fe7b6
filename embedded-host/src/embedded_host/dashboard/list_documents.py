"""The lists in the dashboard's API: instances, causes of failures, the histogram and entities.

Each function reads the parameters of a request and returns a JSON value. Times in the JSON are
milliseconds since 1970.
"""

from __future__ import annotations

import time

from embedded_host.dashboard.query_parameters import QueryParameters
from embedded_host.store.failure_causes import first_line
from embedded_host.store.instance_lists import InstanceValues, ListedInstance
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.overview import InstanceDetails, Overview

_ENTITY_STATE = 20_000
"""Maximum characters of an entity state in the list. The rest is cut off."""


def instances_document(
    overview: Overview, hub: str, parameters: QueryParameters
) -> dict[str, object]:
    """Return a page of instances, with the counts by status and the values on request."""
    conditions, lists = parameters.instance_query(), overview.lists
    sort, descending = parameters.order()
    limit, offset = parameters.number("limit", 100, 1000), parameters.offset()
    any_status = parameters.instance_query(any_status=True)
    began = time.perf_counter()
    rows = lists.page(hub, conditions, sort, descending, limit, offset)
    counts = lists.counts(hub, any_status) if parameters.flag("counts") else None
    waits, children = lists.waits(hub, rows), lists.child_counts(hub, rows)
    values = lists.values([row.key for row in rows]) if parameters.flag("values") else {}
    cost = (time.perf_counter() - began) * 1000
    return {
        "rows": [
            _row(row, waits.get(row.key), children.get(row.id, 0)) | _values(values.get(row.key))
            for row in rows
        ],
        "counts": counts,
        "ms": round(cost, 1),
    }


def causes_document(
    overview: Overview, hub: str, parameters: QueryParameters
) -> list[dict[str, object]]:
    """Return the most frequent causes of the failures that match the filter."""
    limit = parameters.number("limit", 200, 1000)
    return [
        {
            "key": group.cause.key,
            "function": group.cause.function,
            "errorType": group.cause.error_type,
            "message": group.cause.message,
            "count": group.count,
            "first": group.first / 1000,
            "last": group.last / 1000,
            "example": {"instanceId": group.example.id, "error": _error_line(group.example)},
        }
        for group in overview.lists.causes(hub, parameters.instance_query())[:limit]
    ]


def histogram_document(
    overview: Overview, hub: str, parameters: QueryParameters
) -> dict[str, object]:
    """Return the numbers of started and ended instances in spans of equal width."""
    conditions, spans = parameters.instance_query(), parameters.number("spans", 48, 200)
    lists, until = overview.lists, int(time.time() * 1_000_000)
    began = time.perf_counter()
    bounds = lists.creation_range(hub)
    if bounds is None:
        return {"start": None}
    start = parameters.micros("from") or bounds[0]
    end = max(min(parameters.micros("to") or until, until), start + spans)
    width = (end - start) // spans + 1
    started = lists.started_by_interval(hub, conditions, start, width)
    ended = lists.ended_by_interval(hub, conditions, start, width)
    return {
        "start": start / 1000,
        "width": width / 1000,
        "started": [started.get(n, 0) for n in range(spans)],
        "ended": {
            status: [counts.get(n, 0) for n in range(spans)] for status, counts in ended.items()
        },
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }


def entities_document(
    overview: Overview, hub: str, parameters: QueryParameters
) -> dict[str, object]:
    """Return a page of entities with their states, and the names of all entities."""
    limit, offset = parameters.number("limit", 100, 1000), parameters.offset()
    name, key = parameters.text("name").lower(), parameters.text("prefix")
    prefix = f"@{name}@{key}" if name else f"@{key}" if key else None
    conditions = InstanceQuery(id_prefix=prefix, entities=True)
    rows = overview.lists.page(
        hub, conditions, parameters.sort("id"), parameters.flag("desc"), limit, offset
    )
    states = overview.entity_states([row.key for row in rows])
    return {
        "rows": [_row(row) | _state(states.get(row.key), row.key in states) for row in rows],
        "total": sum(overview.lists.counts(hub, conditions).values()),
        "names": [name.removeprefix("@") for name in overview.entity_names(hub)],
    }


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
        **executions_of(row),
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


def executions_of(row: ListedInstance | InstanceDetails) -> dict[str, object]:
    """Return the members of an instance that continue-as-new has started again."""
    if row.first_created is None:
        return {}
    return {"executions": row.executions, "firstCreatedTime": row.first_created / 1000}


def _error_line(row: ListedInstance) -> str:
    return first_line(row.name, row.error or "")


def _state(state: str | None, exists: bool) -> dict[str, object]:
    text = state or ""
    return {"state": text[:_ENTITY_STATE] if exists else None, "cut": len(text) > _ENTITY_STATE}
