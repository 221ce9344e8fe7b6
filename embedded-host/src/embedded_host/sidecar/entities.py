"""The methods of ``TaskHubSidecarService`` for entities."""

from __future__ import annotations

import logging

from embedded_host.engine.entity_messages import EntityId
from embedded_host.management.parameters import continuation_token, id_of_token
from embedded_host.sidecar import requests as q
from embedded_host.sidecar import responses as r
from embedded_host.sidecar.instances import PAGE_CHARACTERS, PAGE_SIZE
from embedded_host.sidecar.rpc_error import RpcError
from embedded_host.store.interface import InstanceQuery
from embedded_host.task_hub.client import HubClient, NotAnEntityError
from embedded_host.task_hub.entity_queries import EntityQueries
from embedded_worker.rpc_protocol import RpcStatus

log = logging.getLogger("embedded_host.sidecar")


class EntityMethods:
    """The methods for the entities of one task hub."""

    def __init__(self, client: HubClient) -> None:
        self._client, self._queries = client, EntityQueries(client.hub)

    async def signal(self, request: q.SignalEntityRequest) -> r.EmptyResponse:
        """Send a signal. A signal to an unknown entity is accepted and dropped (recorded)."""
        entity = EntityId.parse(request.instance_id)
        known = self._client.entities
        if entity.name not in known:
            log.warning(
                "The signal '%s' to %s was dropped: %s [EH403]",
                request.name,
                entity,
                known.missing(entity.name),
            )
            return r.EmptyResponse()
        try:
            await self._client.signal_entity(
                entity,
                request.name,
                request.input,
                request_id=request.request_id or None,
                due=q.time_of(request.scheduled_time),
            )
        except NotAnEntityError as error:
            raise RpcError(RpcStatus.INVALID_ARGUMENT, f"{error}.") from error
        return r.EmptyResponse()

    async def get(self, request: q.GetEntityRequest) -> r.GetEntityResponse:
        """Return an entity. An entity without a state does not exist (recorded)."""
        status = self._queries.get(str(EntityId.parse(request.instance_id)))
        if status is None or status.is_transient:
            return r.GetEntityResponse()
        return r.GetEntityResponse(
            exists=True, entity=r.entity_metadata(status, include_state=request.include_state)
        )

    async def query(self, request: q.QueryEntitiesRequest) -> r.QueryEntitiesResponse:
        """Return a page of entities in the order of their ids."""
        query = request.query
        filter = InstanceQuery(
            id_prefix=query.instance_id_starts_with or "@",
            after_id=id_of_token(query.continuation_token),
            updated_from=q.time_of(query.last_modified_from),
            updated_to=q.time_of(query.last_modified_to),
        )
        size = query.page_size or PAGE_SIZE
        found, last = await self._queries.page(
            filter, min(size, PAGE_SIZE), include_transient=query.include_transient
        )
        entities: list[r.EntityMetadata] = []
        characters = 0
        for status in found:
            entities.append(r.entity_metadata(status, include_state=query.include_state))
            characters += len(entities[-1].serialized_state or "")
            if characters > PAGE_CHARACTERS and status is not found[-1]:
                last = status.row.id
                break
        return r.QueryEntitiesResponse(
            tuple(entities), None if last is None else continuation_token(last)
        )

    async def clean_storage(
        self, request: q.CleanEntityStorageRequest
    ) -> r.CleanEntityStorageResponse:
        """Release the locks of orchestrations that have ended. Delete the entities without a state.

        The locks are released first, because the deletion keeps locked entities.
        """
        released = 0
        if request.release_orphaned_locks:
            released = await self._client.release_orphaned_locks()
        removed = await self._queries.remove_empty() if request.remove_empty_entities else 0
        return r.CleanEntityStorageResponse(removed, released)
