"""The handles that SDK 2.x registers for orchestrators and entities."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Union, cast

import azure.functions as func
import durabletask.internal.orchestrator_service_pb2 as pb
from azure.durable_functions.internal.payloads import (
    discard_scheduled_activity_inputs,
    get_transport_payload_store,
    hydrate_entity_request,
)
from azure.durable_functions.worker import DurableFunctionsWorker

from embedded_worker.sdk import orchestrator_of
from embedded_worker.sdk2.entity_batches import batch_request
from embedded_worker.sdk2.history_events import history_events
from embedded_worker.sdk2.responses import entity_batch_result, orchestrator_response
from embedded_worker.sdk2.sessions import LargePayloads, OrchestratorSession, has_session_hooks
from embedded_worker.sdk2.suspensions import SuspensionFilter
from embedded_worker.user_function import UserFunction

_Context = Union[func.OrchestrationContext, func.EntityContext]
_workers: dict[int, tuple[UserFunction, DurableFunctionsWorker]] = {}
"""The SDK's worker for each orchestrator function, by the ``id`` of the function."""


def open_session(handle: UserFunction, payload: str, root: Path) -> OrchestratorSession:
    """Return a session of the orchestrator ``handle``.

    ``payload`` is the JSON of its first turn.
    """
    function = orchestrator_of(handle)
    assert function is not None

    def worker(name: str) -> DurableFunctionsWorker:
        return _worker_of(function, name)

    return OrchestratorSession(function, worker, payload, root, _large_payloads())


def can_keep(handle: UserFunction) -> bool:
    """Return True if a session can run ``handle``."""
    return orchestrator_of(handle) is not None and has_session_hooks(DurableFunctionsWorker)


def _worker_of(function: UserFunction, name: str) -> DurableFunctionsWorker:
    """Return the SDK's worker in which ``function`` is registered as the orchestrator ``name``."""
    known = _workers.get(id(function))
    if known is None:
        known = _workers.setdefault(id(function), (function, DurableFunctionsWorker()))
    worker = known[1]
    worker._register_orchestrator_once(name, function)
    return worker


def _large_payloads() -> LargePayloads | None:
    store = get_transport_payload_store()
    if store is None:
        return None
    return LargePayloads(store, discard_scheduled_activity_inputs, hydrate_entity_request)


def replay(handle: UserFunction, payload: str, context: func.Context) -> str:
    """Run a turn with the SDK's replay of the whole history. Return the response as JSON.

    ``payload`` is the JSON of a first turn, which contains the whole history.
    """
    document = json.loads(payload)
    suspensions = SuspensionFilter()
    request = pb.OrchestratorRequest(
        instanceId=document["instanceId"],
        executionId={"value": document["executionId"]},
        pastEvents=suspensions.filtered(history_events(document["past"])),
        newEvents=suspensions.filtered(history_events(document["new"])),
    )
    response = pb.OrchestratorResponse()
    response.ParseFromString(_call(handle, func.OrchestrationContext, request, context))
    return orchestrator_response(response)


def run_batch(handle: UserFunction, trigger: str, context: func.Context) -> str:
    """Run a batch of operations on an entity. ``trigger`` and the result are JSON."""
    result = pb.EntityBatchResult()
    result.ParseFromString(_call(handle, func.EntityContext, batch_request(trigger), context))
    return entity_batch_result(result)


def _call(
    handle: UserFunction,
    kind: Callable[[str], _Context],
    request: pb.OrchestratorRequest | pb.EntityBatchRequest,
    context: func.Context,
) -> bytes:
    """Call ``handle`` as the Azure Functions host's Python worker does, and decode its result."""
    body = kind(base64.b64encode(request.SerializeToString()).decode())
    name = getattr(handle, "_df_trigger_name", None)
    returned = handle(body) if name is None else handle(**{name: body, "context": context})
    if inspect.isawaitable(returned):
        returned = asyncio.run(_result(returned))
    return base64.b64decode(cast(str, returned))


async def _result(returned: object) -> object:
    assert inspect.isawaitable(returned)
    return await returned
