"""HTTP functions that call the clients of the SDK: asynchronous, synchronous, and of 1.x."""

import json
from datetime import datetime, timedelta, timezone

import azure.durable_functions as df
import azure.functions as func
from durabletask import client as dt
from durabletask.entities import EntityInstanceId
from durabletask.extensions.history_export import (
    ExportDestination,
    ExportFormat,
    ExportFormatKind,
    ExportHistoryClient,
    ExportJobCreationOptions,
    ExportMode,
)
from durabletask.history import ExecutionCompletedEvent
from durabletask.scheduled import ScheduleCreationOptions, ScheduledTaskClient
from files import ExportFiles

client_functions = df.Blueprint()


def state_shape(state):
    """Return the fields of an orchestration's state that do not depend on the time."""
    failed = state and state.runtime_status is dt.OrchestrationStatus.FAILED
    return state and {
        "id": state.instance_id,
        "name": state.name,
        "status": state.runtime_status.name,
        "input": state.get_input(),
        # The output of a failed instance is the text of its failure.
        "output": state.serialized_output if failed else state.get_output(),
        "custom": state.get_custom_status(),
    }


def failure_shape(failure):
    """Return a failure and its inner failures as JSON."""
    return failure and {
        "type": failure.error_type,
        "message": failure.message,
        "inner": failure_shape(failure.inner_failure),
    }


def event_shape(event):
    """Return the kind, name and tags of a history event."""
    kind = type(event).__name__.removesuffix("Event")
    return [kind, getattr(event, "name", None), getattr(event, "tags", None) or None]


def entity_shape(entity):
    """Return an entity's id and state, and the instance that has locked it."""
    return entity and {
        "id": str(entity.id),
        "state": entity.get_typed_state() if entity.includes_state else None,
        # get_locked_by() raises an error for the id of an orchestration.
        "locked by": entity._locked_by or None,
    }


SHAPES = {
    dt.OrchestrationState: state_shape,
    dt.PurgeInstancesResult: lambda result: result.deleted_instance_count,
}


def calls(client, call, given):
    """Return the client's call (a coroutine with an asynchronous client) and its result's shape."""
    id = given.pop("id", None)
    if call == "schedule_new_orchestration":
        delay = given.pop("delay", None)
        if delay is not None:
            given["start_at"] = datetime.now(timezone.utc) + timedelta(seconds=delay)
        name = given.pop("name")
        return client.schedule_new_orchestration(name, instance_id=id, **given), str
    if call == "get_orchestration_history":
        shape = lambda events: [event_shape(event) for event in events]  # noqa: E731
        return client.get_orchestration_history(id), shape
    if call == "failure":
        shape = lambda events: failure_shape(  # noqa: E731
            next(e for e in events if isinstance(e, ExecutionCompletedEvent)).failure_details
        )
        return client.get_orchestration_history(id), shape
    if call == "get_all_orchestration_states":
        prefix = given.get("prefix", "")
        status = [dt.OrchestrationStatus[name] for name in given.get("status", ())] or None
        query = dt.OrchestrationQuery(runtime_status=status, fetch_inputs_and_outputs=True)
        shape = lambda states: sorted(  # noqa: E731
            [s.instance_id, s.runtime_status.name]
            for s in states
            if s.instance_id.startswith(prefix)
        )
        return client.get_all_orchestration_states(query), shape
    if call in ("signal_entity", "get_entity"):
        entity = EntityInstanceId(given.pop("entity"), given.pop("key"))
        if call == "get_entity":
            return client.get_entity(entity), entity_shape
        delay = given.pop("delay", None)
        if delay is not None:
            given["signal_time"] = datetime.now(timezone.utc) + timedelta(seconds=delay)
        return client.signal_entity(entity, given.pop("operation"), **given), lambda _: None
    if call == "get_all_entities":
        query = dt.EntityQuery(instance_id_starts_with=given["prefix"], include_state=True)
        shape = lambda entities: [entity_shape(entity) for entity in entities]  # noqa: E731
        return client.get_all_entities(query), shape
    if call == "clean_entity_storage":
        return client.clean_entity_storage(), lambda result: result.empty_entities_removed
    made = getattr(client, call)(id, **given)
    return made, lambda result: SHAPES.get(type(result), lambda value: value)(result)


def response(value) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({"result": value}), mimetype="application/json")


def error_response(error: Exception) -> func.HttpResponse:
    code = getattr(error, "code", None)
    details = getattr(error, "details", None)
    body = {
        "error": type(error).__name__,
        "code": code().name if callable(code) else None,
        "message": details() if callable(details) else str(error),
    }
    return func.HttpResponse(json.dumps(body), status_code=418, mimetype="application/json")


@client_functions.route(route="start/{functionName}/{instanceId?}", methods=["POST"])
@client_functions.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    body, route = req.get_body(), req.route_params
    instance_id = await client.schedule_new_orchestration(
        route["functionName"],
        input=json.loads(body) if body else None,
        instance_id=route.get("instanceId"),
    )
    return client.create_check_status_response(req, instance_id)


@client_functions.route(route="client/{call}", methods=["POST"])
@client_functions.durable_client_input(client_name="client")
async def call_client(
    req: func.HttpRequest, client: df.DurableFunctionsClient
) -> func.HttpResponse:
    try:
        call, shape = calls(client, req.route_params["call"], req.get_json())
        return response(shape(await call))
    except Exception as error:
        return error_response(error)


@client_functions.route(route="sync-client/{call}", methods=["POST"])
@client_functions.durable_client_input(client_name="client")
def call_sync_client(
    req: func.HttpRequest, client: df.SyncDurableFunctionsClient
) -> func.HttpResponse:
    try:
        result, shape = calls(client, req.route_params["call"], req.get_json())
        return response(shape(result))
    except Exception as error:
        return error_response(error)


@client_functions.route(route="old-client/{call}", methods=["POST"])
@client_functions.durable_client_input(client_name="client")
async def call_old_client(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    call, given = req.route_params["call"], req.get_json()
    try:
        if call == "wait":
            return await client.wait_for_completion_or_create_check_status_response(
                req, given["id"], given["milliseconds"], 50
            )
        if call == "read_entity_state":
            state = await client.read_entity_state(df.EntityId(given["entity"], given["key"]))
            return response([state.entity_exists, state.entity_state])
        if call == "signal_entity":
            entity = df.EntityId(given["entity"], given["key"])
            return response(await client.signal_entity(entity, given["operation"], given["input"]))
        result = await getattr(client, call)(*given["arguments"])
        if call == "get_status":
            result = result and [result.name, result.runtime_status.name, result.output]
        return response(getattr(result, "instances_deleted", result))
    except Exception as error:
        return error_response(error)


@client_functions.route(route="schedule/{id}", methods=["POST", "GET", "DELETE"])
@client_functions.durable_client_input(client_name="client")
def manage_schedule(
    req: func.HttpRequest, client: df.SyncDurableFunctionsClient
) -> func.HttpResponse:
    id, schedules = req.route_params["id"], ScheduledTaskClient(client)
    if req.method == "POST":
        given = req.get_json()
        schedules.create_schedule(
            ScheduleCreationOptions(
                schedule_id=id,
                orchestration_name="tick",
                interval=timedelta(seconds=given["seconds"]),
                orchestration_input=given["key"],
                start_immediately_if_late=True,
            )
        )
    elif req.method == "DELETE":
        schedules.get_schedule_client(id).delete()
    description = schedules.get_schedule(id)
    return response(description and str(description.status))


@client_functions.route(route="export/{id}", methods=["POST", "GET"])
@client_functions.durable_client_input(client_name="client")
def export(req: func.HttpRequest, client: df.SyncDurableFunctionsClient) -> func.HttpResponse:
    id, exports = req.route_params["id"], ExportHistoryClient(client, ExportFiles())
    if req.method == "POST":
        now = datetime.now(timezone.utc)
        exports.create_job(
            ExportJobCreationOptions(
                mode=ExportMode.BATCH,
                completed_time_from=now - timedelta(hours=1),
                completed_time_to=now + timedelta(hours=1),
                destination=ExportDestination(container=id),
                format=ExportFormat(kind=ExportFormatKind.JSON),
            ),
            job_id=id,
        )
    job = exports.get_job(id)
    return response(job and [job.status.value, job.exported_instances, job.failed_instances])


@client_functions.route(route="greet", methods=["GET"])
def greet(req: func.HttpRequest) -> str:
    return "hello " + req.params.get("name", "you")


_POLLS: dict[str, int] = {}


@client_functions.route(route="slow/{id}", methods=["GET"])
def slow(req: func.HttpRequest) -> func.HttpResponse:
    """Respond to the first request with 202, so that ``call_http`` polls."""
    id = req.route_params["id"]
    _POLLS[id] = _POLLS.get(id, 0) + 1
    if _POLLS[id] == 1:
        headers = {"Location": req.url, "Retry-After": "1"}
        return func.HttpResponse(status_code=202, headers=headers)
    return func.HttpResponse("finished")
