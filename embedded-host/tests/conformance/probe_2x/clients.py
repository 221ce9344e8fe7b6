"""HTTP functions that call the SDK's client."""

import json
from datetime import datetime, timedelta, timezone

import azure.durable_functions as df
import azure.functions as func
from durabletask import client as dt
from durabletask import entities

clients = df.Blueprint()


@clients.route(route="start/{functionName}/{instanceId?}", methods=["POST", "GET"])
@clients.durable_client_input(client_name="client")
async def HttpStart(req: func.HttpRequest, client) -> func.HttpResponse:
    body = req.get_body()
    data = json.loads(body) if body else None
    try:
        instance_id = await client.start_new(
            req.route_params["functionName"], req.route_params.get("instanceId"), data
        )
    except Exception as e:
        return func.HttpResponse("start_new failed: " + str(e), status_code=418)
    return client.create_check_status_response(req, instance_id)


@clients.route(route="wait/{functionName}", methods=["POST"])
@clients.durable_client_input(client_name="client")
async def HttpWait(req: func.HttpRequest, client) -> func.HttpResponse:
    instance_id = await client.start_new(req.route_params["functionName"], None, None)
    return await client.wait_for_completion_or_create_check_status_response(
        req,
        instance_id,
        int(req.params.get("timeout", "10000")),
        int(req.params.get("retry", "200")),
    )


@clients.route(route="entity/{name}/{key}/{op?}", methods=["POST", "GET"])
@clients.durable_client_input(client_name="client")
async def HttpEntity(req: func.HttpRequest, client) -> func.HttpResponse:
    entity = df.EntityId(req.route_params["name"], req.route_params["key"])
    if req.method == "POST":
        await client.signal_entity(
            entity, req.route_params["op"], json.loads(req.get_body() or b"null")
        )
        return func.HttpResponse("signalled", status_code=202)
    state = await client.read_entity_state(entity)
    return func.HttpResponse(
        json.dumps({"exists": state.entity_exists, "state": state.entity_state})
    )


def shape(s):
    if s is None:
        return None
    return {
        "name": s.name,
        "instanceId": s.instance_id,
        "runtimeStatus": s.runtime_status.name if s.runtime_status else None,
        "input": s.serialized_input,
        "output": s.serialized_output,
        "customStatus": s.serialized_custom_status,
        "failure": [s.failure_details.error_type, s.failure_details.message]
        if s.failure_details
        else None,
    }


def v1_shape(s):
    return {
        "name": s.name,
        "instanceId": s.instance_id,
        "runtimeStatus": s.runtime_status.name if s.runtime_status else None,
        "input": s.input_,
        "output": s.output,
        "customStatus": s.custom_status,
        "history": [h.get("EventType") for h in (s.history or [])]
        if getattr(s, "history", None)
        else None,
    }


async def v1_call(client, call, a):
    if call == "get_status":
        return v1_shape(
            await client.get_status(
                a["id"],
                a.get("history", False),
                a.get("historyOutput", False),
                a.get("input", False),
            )
        )
    if call == "get_status_by":
        r = await client.get_status_by(
            runtime_status=[df.OrchestrationRuntimeStatus[x] for x in a["status"]]
        )
        return sorted(
            i for i in (v1_shape(s)["instanceId"] for s in r) if i.startswith(a.get("prefix", ""))
        )
    if call == "terminate":
        return await client.terminate(a["id"], a.get("reason", "because"))
    if call == "raise_event":
        return await client.raise_event(a["id"], a["name"], a.get("data"))
    if call == "suspend":
        return await client.suspend(a["id"], a.get("reason", "r"))
    if call == "resume":
        return await client.resume(a["id"], a.get("reason", "r"))
    if call == "rewind":
        return await client.rewind(a["id"], a.get("reason", "r"))
    if call == "restart":
        return "id" if await client.restart(a["id"], a.get("new", True)) else None
    if call == "purge":
        return (await client.purge_instance_history(a["id"])).instances_deleted
    raise LookupError(call)


async def native_call(client, call, a):
    if call == "schedule":
        return await client.schedule_new_orchestration(
            a["name"],
            input=a.get("input"),
            instance_id=a.get("id"),
            **({"version": a["version"]} if "version" in a else {}),
            **({"tags": a["tags"]} if "tags" in a else {}),
            **(
                {"start_at": datetime.now(timezone.utc) + timedelta(seconds=a["delay"])}
                if "delay" in a
                else {}
            ),
        )
    if call == "state":
        return shape(
            await client.get_orchestration_state(a["id"], fetch_payloads=a.get("payloads", True))
        )
    if call == "states":
        q = dt.OrchestrationQuery(
            runtime_status=[dt.OrchestrationStatus[x] for x in a["status"]]
            if "status" in a
            else None,
            fetch_inputs_and_outputs=a.get("payloads", False),
        )
        return sorted(
            (s.instance_id, s.runtime_status.name)
            for s in await client.get_all_orchestration_states(q)
            if s.instance_id.startswith(a.get("prefix", ""))
        )
    if call == "history":
        return [type(e).__name__ for e in await client.get_orchestration_history(a["id"])]
    if call == "wait_start":
        return shape(
            await client.wait_for_orchestration_start(a["id"], timeout=a.get("timeout", 20))
        )
    if call == "wait_end":
        return shape(
            await client.wait_for_orchestration_completion(a["id"], timeout=a.get("timeout", 20))
        )
    if call == "raise":
        return await client.raise_orchestration_event(a["id"], a["name"], data=a.get("data"))
    if call == "terminate":
        return await client.terminate_orchestration(
            a["id"],
            output=a.get("output"),
            **({"recursive": a["recursive"]} if "recursive" in a else {}),
        )
    if call == "suspend":
        return await client.suspend_orchestration(a["id"])
    if call == "resume":
        return await client.resume_orchestration(a["id"])
    if call == "rewind":
        return await client.rewind_orchestration(a["id"], reason=a.get("reason"))
    if call == "restart":
        r = await client.restart_orchestration(
            a["id"], restart_with_new_instance_id=a.get("new", False)
        )
        return "same id" if r == a["id"] else "new id"
    if call == "purge":
        r = await client.purge_orchestration(
            a["id"], **({"recursive": a["recursive"]} if "recursive" in a else {})
        )
        return [r.deleted_instance_count, r.is_complete]
    if call == "signal":
        return await client.signal_entity(
            entities.EntityInstanceId(a["entity"], a["key"]), a["op"], input=a.get("input")
        )
    if call == "entity":
        e = await client.get_entity(
            entities.EntityInstanceId(a["entity"], a["key"]), include_state=a.get("state", True)
        )
        return (
            None
            if e is None
            else {
                "id": str(e.id),
                "backlog": e.backlog_queue_size,
                "locked_by": e.get_locked_by() if hasattr(e, "get_locked_by") else None,
                "state": e.get_state() if a.get("state", True) else None,
            }
        )
    if call == "entities":
        es = await client.get_all_entities(
            dt.EntityQuery(
                instance_id_starts_with=a.get("prefix"), include_state=a.get("state", True)
            )
        )
        return sorted([str(e.id), e.get_state() if a.get("state", True) else None] for e in es)
    if call == "clean":
        r = await client.clean_entity_storage()
        return [r.empty_entities_removed, r.orphaned_locks_released]
    raise LookupError(call)


async def response(coroutine):
    try:
        return func.HttpResponse(
            json.dumps({"result": await coroutine}, default=str), mimetype="application/json"
        )
    except Exception as e:
        code = getattr(e, "code", None)
        return func.HttpResponse(
            json.dumps(
                {
                    "error": type(e).__name__,
                    "grpc": code().name if callable(code) else None,
                    "message": (
                        e.details() if hasattr(e, "details") and callable(e.details) else str(e)
                    ),
                }
            ),
            status_code=418,
        )


@clients.route(route="client/bindings", methods=["POST"])
@clients.generic_input_binding(arg_name="raw", type="durableClient", durableRequiresGrpc=True)
def Bindings(req: func.HttpRequest, raw) -> func.HttpResponse:
    return func.HttpResponse(raw, mimetype="application/json")


@clients.route(route="client/{call}", methods=["POST"])
@clients.durable_client_input(client_name="client")
async def HttpClient(req: func.HttpRequest, client) -> func.HttpResponse:
    return await response(
        v1_call(client, req.route_params["call"], json.loads(req.get_body() or b"{}"))
    )


@clients.route(route="native/{call}", methods=["POST"])
@clients.durable_client_input(client_name="client")
async def NativeClient(req: func.HttpRequest, client) -> func.HttpResponse:
    return await response(
        native_call(client, req.route_params["call"], json.loads(req.get_body() or b"{}"))
    )


@clients.route(route="getonly", methods=["GET"])
def GetOnly(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("got")
