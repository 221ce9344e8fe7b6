"""``TaskHubSidecarService``: the RPCs of a durable client of SDK 2.x."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec

from embedded_host.engine.json_codec import compact_plain
from embedded_host.sidecar import requests as q
from embedded_host.sidecar import responses as r
from embedded_host.sidecar.entities import EntityMethods
from embedded_host.sidecar.instances import InstanceMethods
from embedded_host.sidecar.large_messages import check_size, refuse_large_request
from embedded_host.sidecar.rpc_error import RpcError
from embedded_host.store.interface import StateError
from embedded_host.task_hub.client import HubClient
from embedded_worker.rpc_protocol import RpcStatus

log = logging.getLogger("embedded_host.sidecar")
Request = TypeVar("Request", bound=q.RpcRequest)
_Method = Callable[[bytes], Awaitable[r.RpcResponse]]


class TaskHubSidecarService:
    """The methods of the gRPC service ``TaskHubSidecarService`` for one task hub.

    The methods that deliver work to workers are not implemented here.
    """

    def __init__(self, client: HubClient, *, is_functions: bool = True) -> None:
        """Create the service.

        If ``is_functions`` is True, the responses are those of the Azure Functions host with Azure
        Storage (recorded). The state of a failed instance has no ``failureDetails``, and the output
        is the error. The custom status of an instance that has not set one is null.

        If it is False, the responses are those of durabletask's backends. The state of a failed
        instance has ``failureDetails``, and a custom status that was not set is omitted. If the
        status of an instance does not allow a termination, suspension or resumption, the request
        has no effect and succeeds.
        """
        self._client = client
        instances = InstanceMethods(client, is_functions=is_functions)
        entities = EntityMethods(client)
        self._methods: Mapping[str, _Method] = {
            "Hello": _method(q.RpcRequest, _hello),
            "StartInstance": _method(q.StartRequest, instances.start),
            "GetInstance": _method(q.GetRequest, instances.get),
            "WaitForInstanceStart": _method(q.GetRequest, instances.wait_for_start),
            "WaitForInstanceCompletion": _method(q.GetRequest, instances.wait_for_completion),
            "QueryInstances": _method(q.QueryInstancesRequest, instances.query),
            "ListInstanceIds": _method(q.ListInstanceIdsRequest, instances.list_ids),
            "StreamInstanceHistory": _method(q.HistoryRequest, instances.history),
            "RaiseEvent": _method(q.RaiseEventRequest, instances.raise_event),
            "TerminateInstance": _method(q.TerminateRequest, instances.terminate),
            "SuspendInstance": _method(q.ReasonRequest, instances.suspend),
            "ResumeInstance": _method(q.ReasonRequest, instances.resume),
            "RewindInstance": _method(q.ReasonRequest, instances.rewind),
            "RestartInstance": _method(q.RestartRequest, instances.restart),
            "PurgeInstances": _method(q.PurgeRequest, instances.purge),
            "SignalEntity": _method(q.SignalEntityRequest, entities.signal),
            "GetEntity": _method(q.GetEntityRequest, entities.get),
            "QueryEntities": _method(q.QueryEntitiesRequest, entities.query),
            "CleanEntityStorage": _method(q.CleanEntityStorageRequest, entities.clean_storage),
        }

    async def call(self, method: str, body: bytes) -> tuple[int, bytes]:
        """Return the gRPC status code and the JSON of the response to a request.

        ``body`` is the JSON of the request. The response to a failed request is
        ``{"details": TEXT}``.
        """
        try:
            handler = self._methods.get(method)
            if handler is None:
                details = f"The method '{method}' is not implemented."
                raise RpcError(RpcStatus.UNIMPLEMENTED, details)
            refuse_large_request(self._client, method, body)
            response = await handler(body)
            text = compact_plain(response).encode()
            check_size(self._client, method, body, response, text)
            return int(RpcStatus.OK), text
        except RpcError as error:
            status, response = error.status, r.ErrorResponse(str(error))
        except ValueError as error:  # an invalid request, timestamp or entity id
            status, response = RpcStatus.INVALID_ARGUMENT, r.ErrorResponse(str(error))
        except StateError as error:
            log.error("The durable client's request %s failed: %s [EH218]", method, error)
            details = "The state file could not be read. The host's log has the reason."
            status, response = RpcStatus.INTERNAL, r.ErrorResponse(details)
        except Exception as error:
            log.exception("The durable client's request %s failed [EH330]", method)
            details = f"{type(error).__name__}: {error}"
            status, response = RpcStatus.INTERNAL, r.ErrorResponse(details)
        return int(status), compact_plain(response).encode()


async def _hello(request: q.RpcRequest) -> r.EmptyResponse:
    return r.EmptyResponse()


def _method(
    request_type: type[Request], handle: Callable[[Request], Awaitable[r.RpcResponse]]
) -> _Method:
    """Return a method that parses the JSON of a request and calls ``handle``."""
    decode = msgspec.json.Decoder(request_type).decode

    async def call(body: bytes) -> r.RpcResponse:
        try:
            request = decode(body or b"{}")
        except RecursionError:
            raise ValueError("The request is nested too deeply.") from None
        return await handle(request)

    return call
