"""The entity routes of the management API (functions-host.md#management-routes)."""

from __future__ import annotations

from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import format_utc
from embedded_host.http.management_responses import cooperatively, message_response, page_response
from embedded_host.management.json_text import compact_json
from embedded_host.management.parameters import (
    CONTINUATION_TOKEN_HEADER,
    flag,
    id_of_token,
    page_size,
    parse_timestamp,
)
from embedded_host.management.status import shown_value
from embedded_host.store.interface import InstanceQuery
from embedded_host.task_hub.client import HubClient, NotAnEntityError
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response


class EntityRoutes:
    """The entity routes of one task hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    async def handle(self, request: Request, rest: list[str]) -> Response:
        """Return the response to a request. ``rest`` are the path segments after ``entities``."""
        if len(rest) < 2:
            if request.method != "GET":
                return empty_response(404)
            return await self._list(request, rest[0] if rest else None)
        if len(rest) > 2:
            return empty_response(404)
        name, key = rest[0].lower(), rest[1]
        if request.method == "GET":
            state = self._client.entity_state(EntityId(name, "" if key == "$" else key))
            return empty_response(404) if state is None else json_response(shown_value(state[1]))
        if request.method in ("POST", "DELETE"):
            return await self._signal(request, EntityId(name, key))
        return empty_response(404)

    async def _signal(self, request: Request, entity: EntityId) -> Response:
        known = self._client.entities
        if entity.name not in known:
            return message_response(400, known.missing(entity.name))
        text = await request.text()
        input: str | None = text or None
        if input is not None and request.media_type == "application/json":
            try:
                input = compact_json(input)
            except ValueError as error:
                return message_response(400, f"Could not parse JSON content: {error}")
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        try:
            await self._client.signal_entity(entity, operation, input)
        except NotAnEntityError as error:
            return message_response(400, f"{error}.")
        return empty_response(202)

    async def _list(self, request: Request, name: str | None) -> Response:
        query, limit = request.query, page_size(request.query.get("top"))
        filter = InstanceQuery(
            id_prefix=f"@{name.lower()}@" if name else "@",
            updated_from=parse_timestamp(query.get("lastoperationtimefrom")),
            updated_to=parse_timestamp(query.get("lastoperationtimeto")),
            after_id=id_of_token(request.headers.get(CONTINUATION_TOKEN_HEADER)),
            entities=True,
        )
        rows = await self._client.list(filter, limit + 1)
        body = []
        async for row in cooperatively(rows[:limit]):
            entity = EntityId.parse(row.id)
            state = self._client.entity_state(entity)
            if state is not None:
                item = {
                    "entityId": {"name": entity.name, "key": entity.key},
                    "lastOperationTime": format_utc(row.updated),
                    "state": shown_value(state[1]) if flag(query.get("fetchstate")) else None,
                }
                body.append(compact(item))
        return page_response(body, rows[limit - 1].id if len(rows) > limit else None)
