"""Lists of instances that are selected by their values, or sorted by another value than the id.

The management API of Azure Functions has no such lists. The dashboard's API of an embedded host has
them, and a state file is read with the same queries. Entities are never listed.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone

from embedded_host.cli.reader import InstanceStatus, Json, Page
from embedded_host.engine.timestamps import format_utc_seconds
from embedded_host.management.status import shown_value
from embedded_host.store.epoch import from_micros
from embedded_host.store.interface import ORDERS, InstanceQuery
from embedded_host.store.overview import Overview

DASHBOARD_LIST = "/dashboard/api/instances"
_LONGEST_PAGE = 1000
"""Maximum number of instances in a response of the dashboard's API."""


def needs_search(query: InstanceQuery, order: str | None) -> bool:
    """Return True if the management API does not have the condition or the order."""
    return (
        query.name is not None
        or query.reads_values
        or query.parent_id is not None
        or (query.top_level or order is not None)
    )


def found_on_host(
    get: Callable[[Mapping[str, str]], Json],
    query: InstanceQuery,
    order: str | None,
    top: int,
    token: str | None,
) -> Page[InstanceStatus]:
    """Return up to ``top`` instances of a host.

    ``get`` returns the response of DASHBOARD_LIST to a request with the given parameters.
    """
    offset, rows = _offset_of(token), list[Json]()
    parameters = {
        "status": ",".join(query.statuses),
        "name": query.name,
        "prefix": query.id_prefix,
        "from": query.created_from and query.created_from.isoformat().replace("+00:00", "Z"),
        "to": query.created_to and query.created_to.isoformat().replace("+00:00", "Z"),
        "search": query.search,
        "failedWith": query.failed_with,
        "parent": query.parent_id,
        "topLevel": "true" if query.top_level else None,
        "order": order or "id",
        "values": "true",
    }
    given = {name: value for name, value in parameters.items() if value}
    while True:
        limit = min(top + 1 - len(rows), _LONGEST_PAGE)
        position = {"offset": str(offset + len(rows)), "limit": str(limit)}
        page: list[Json] = get({**given, **position})["rows"]
        rows += page
        if len(page) < limit or len(rows) > top:
            break
    items = [
        _status(
            row["name"],
            row["id"],
            row.get("parentInstanceId"),
            row["status"],
            datetime.fromtimestamp(row["created"] / 1000, timezone.utc),
            datetime.fromtimestamp(row["updated"] / 1000, timezone.utc),
            (row.get("input"), row.get("customStatus"), row.get("output")),
        )
        for row in rows[:top]
    ]
    return Page(items, _token(offset + top) if len(rows) > top else None)


def found_in_file(
    connection: sqlite3.Connection,
    hub: str,
    query: InstanceQuery,
    order: str | None,
    top: int,
    token: str | None,
) -> Page[InstanceStatus]:
    """Return up to ``top`` instances of a task hub in a state file."""
    lists, offset, text = Overview(connection).lists, _offset_of(token), order or "id"
    rows = lists.page(
        hub,
        replace(query, entities=False),
        ORDERS[text.removeprefix("-")],
        text.startswith("-"),
        top + 1,
        offset,
    )
    values = lists.values([row.key for row in rows[:top]])
    items = [
        _status(
            row.name,
            row.id,
            row.parent_id,
            row.status,
            from_micros(row.created),
            from_micros(row.updated),
            (values[row.key].input, values[row.key].custom_status, values[row.key].output),
        )
        for row in rows[:top]
    ]
    return Page(items, _token(offset + top) if len(rows) > top else None)


def _status(
    name: str,
    instance_id: str,
    parent_id: str | None,
    status: str,
    created: datetime,
    updated: datetime,
    values: tuple[str | None, str | None, str | None],
) -> InstanceStatus:
    """Return the status with the keys of the management API (``management/status.py``)."""
    input, custom_status, output = map(shown_value, values)
    return InstanceStatus(
        {
            "name": name,
            "instanceId": instance_id,
            **({} if parent_id is None else {"parentInstanceId": parent_id}),
            "runtimeStatus": status,
            "input": input,
            "customStatus": custom_status,
            "output": output,
            "createdTime": format_utc_seconds(created),
            "lastUpdatedTime": format_utc_seconds(updated),
        }
    )


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset_of(token: str | None) -> int:
    """Return the number of instances on the previous pages, or 0 for an invalid token."""
    try:
        offset = json.loads(base64.b64decode(token or "", altchars=b"-_", validate=True))["offset"]
    except (ValueError, KeyError, TypeError):
        return 0
    return offset if isinstance(offset, int) and 0 <= offset < 10**12 else 0
