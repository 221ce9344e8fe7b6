"""The routes of the management API that list and purge instances by a filter.

See functions-host.md#management-routes and #list-and-purge.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from embedded_host.engine.status import FINISHED
from embedded_host.http.management_responses import cooperatively, page_response
from embedded_host.management.parameters import (
    CONTINUATION_TOKEN_HEADER,
    comma_separated,
    flag,
    id_of_token,
    page_size,
    parse_timestamp,
    runtime_status,
)
from embedded_host.management.status import status_text
from embedded_host.store.interface import InstanceQuery
from embedded_host.task_hub.client import HubClient
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response


class ListRoutes:
    """The list and purge routes of one task hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    async def list(self, request: Request) -> Response:
        """Return a page of instances and entities.

        Invalid parts of the filter are ignored (recorded).
        """
        query, limit = request.query, page_size(request.query.get("top"))
        named = (runtime_status(text) for text in comma_separated(query.get("runtimestatus")))
        filter = InstanceQuery(
            id_prefix=query.get("instanceidprefix") or None,
            created_from=parse_timestamp(query.get("createdtimefrom")),
            created_to=parse_timestamp(query.get("createdtimeto")),
            statuses=tuple(status for status in named if status is not None),
            after_id=id_of_token(request.headers.get(CONTINUATION_TOKEN_HEADER)),
        )
        rows = await self._client.list(filter, limit + 1)
        show_input = flag(query.get("showinput"), True)
        body = [
            status_text(row, partial(self._client.input, row) if show_input else None).decode()
            async for row in cooperatively(rows[:limit])
        ]
        return page_response(body, rows[limit - 1].id if len(rows) > limit else None)

    async def purge(self, request: Request) -> Response:
        """Delete the finished instances that match a filter.

        The Azure Functions host ignores the invalid parts of a filter, and deletes running
        instances too if no final status remains (functions-host.md#list-and-purge). In strict mode,
        this host does so too. Otherwise, it refuses such a filter.
        """
        query = request.query
        created_from = parse_timestamp(query.get("createdtimefrom"))
        if created_from is None:
            return json_response("Please provide value for 'createdTimeFrom' parameter.", 400)
        names = comma_separated(query.get("runtimestatus"))
        final = [status for status in map(runtime_status, names) if status in FINISHED]
        filter = InstanceQuery(
            created_from=created_from,
            created_to=parse_timestamp(query.get("createdtimeto")),
            statuses=tuple(status for status in final if status is not None),
        )
        problem = None if self._client.hub.settings.strict else _problem(query, bool(final))
        if problem is not None:
            self._client.report_purge(filter)
            return json_response(f"{problem} Nothing was deleted.", 400)
        deleted = await self._client.purge_many(filter)
        return json_response({"instancesDeleted": deleted}) if deleted else empty_response(404)


def _problem(query: Mapping[str, str], has_final_status: bool) -> str | None:
    """Return the reason why the filter of a purge is refused, or None."""
    created_to, statuses = query.get("createdtimeto", ""), query.get("runtimestatus", "")
    if created_to.strip() and parse_timestamp(created_to) is None:
        return f"'createdTimeTo' is not a date and time: '{created_to}'."
    if not statuses.strip() or has_final_status:
        return None
    return (
        f"'runtimeStatus' must contain at least one of {', '.join(FINISHED)}, but it is "
        f"'{statuses}'. Only finished instances can be purged."
    )
