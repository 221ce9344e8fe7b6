"""The probe app: the functions of the recorded Azure Functions host."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.conformance.probe_orchestrators import ACTIVITIES, ORCHESTRATORS
from tests.support.app_folder import (
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
    orchestration_trigger,
)

_ORCHESTRATOR = """\
from datetime import timedelta
import azure.durable_functions as df


def orchestrator(ctx: df.DurableOrchestrationContext):
{body}


main = df.Orchestrator.create(orchestrator)
"""

_COUNTER = """\
import azure.durable_functions as df


def entity_function(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    op = context.operation_name
    if op == "add":
        value += context.get_input()
        context.set_result(value)
    elif op == "get":
        context.set_result(value)
    elif op == "reset":
        value = 0
    elif op == "explode":
        raise ValueError("entity exploded")
    context.set_state(value)


main = df.Entity.create(entity_function)
"""

_START = """\
import json

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    body = req.get_body()
    data = json.loads(body) if body else None
    try:
        names = req.route_params
        instance_id = await client.start_new(names["functionName"], names.get("instanceId"), data)
    except Exception as e:
        return func.HttpResponse("start_new failed: " + str(e), status_code=418)
    return client.create_check_status_response(req, instance_id)
"""

_WAIT = """\
import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    instance_id = await client.start_new(req.route_params["functionName"], None, None)
    return await client.wait_for_completion_or_create_check_status_response(
        req,
        instance_id,
        int(req.params.get("timeout", "10000")),
        int(req.params.get("retry", "200")),
    )
"""

_ENTITY = """\
import json

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    entity = df.EntityId(req.route_params["name"], req.route_params["key"])
    if req.method == "POST":
        operation = req.route_params["op"]
        await client.signal_entity(entity, operation, json.loads(req.get_body() or b"null"))
        return func.HttpResponse("signalled", status_code=202)
    state = await client.read_entity_state(entity)
    body = {"exists": state.entity_exists, "state": state.entity_state}
    return func.HttpResponse(json.dumps(body))
"""

_CLIENT = """\
import json
from datetime import datetime, timedelta, timezone

import azure.durable_functions as df
import azure.functions as func


def shape(s):
    history = getattr(s, "historyEvents", None) or getattr(s, "history", None)
    status = s.runtime_status.value if s.runtime_status else None
    return {"name": s.name, "instanceId": s.instance_id, "runtimeStatus": status,
            "input": s.input_, "output": s.output, "customStatus": s.custom_status,
            "history": [h.get("EventType") for h in history] if history else None}


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    call = req.route_params["call"]
    a = json.loads(req.get_body() or b"{}")
    try:
        if call == "get_status":
            shown = (a.get("history", False), a.get("historyOutput", False), a.get("input", False))
            r = shape(await client.get_status(a["id"], *shown))
        elif call == "get_status_by":
            S = df.OrchestrationRuntimeStatus
            found = await client.get_status_by(runtime_status=[S(x) for x in a["status"]])
            r = sorted(shape(s)["instanceId"] for s in found)
            r = [i for i in r if i.startswith(a.get("prefix", ""))]
        elif call == "terminate":
            r = await client.terminate(a["id"], a.get("reason", "because"))
        elif call == "raise_event":
            r = await client.raise_event(a["id"], a["name"], a.get("data"))
        elif call == "suspend":
            r = await client.suspend(a["id"], a.get("reason", "r"))
        elif call == "resume":
            r = await client.resume(a["id"], a.get("reason", "r"))
        elif call == "rewind":
            r = await client.rewind(a["id"], a.get("reason", "r"))
        elif call == "restart":
            r = "id" if await client.restart(a["id"], a.get("new", True)) else None
        elif call == "purge":
            r = (await client.purge_instance_history(a["id"])).instances_deleted
        elif call == "bindings":
            r = json.loads(starter)
        else:
            return func.HttpResponse("no such call", status_code=404)
    except Exception as e:
        error = type(e).__name__ + ": " + str(e)
        return func.HttpResponse(json.dumps({"error": error}), status_code=418)
    return func.HttpResponse(json.dumps({"result": r}, default=str), mimetype="application/json")
"""

_ECHO = """\
import json

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "x-probe": req.headers.get("x-probe"), "ctype": req.headers.get("content-type"),
        "body": req.get_body().decode("utf-8", "replace")}, sort_keys=True),
        headers={"X-Out": "1"},
        mimetype="application/json",
        status_code=int(req.params.get("status", "200")),
    )
"""
_NAMED = """\
import azure.functions as func


def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    res.set(func.HttpResponse('named', status_code=201))
"""


def probe_app(root: Path) -> AppFolder:
    """Write the 53 functions of the app. Together they use every feature once."""
    host = {
        "version": "2.0",
        "logging": {"logLevel": {"default": "Warning"}},
        "extensions": {"durableTask": {"hubName": "ProbeHub"}},
    }
    app = AppFolder(root, host)
    for name, body in ORCHESTRATORS.items():
        app.function(name, _ORCHESTRATOR.format(body=_indented(body)), orchestration_trigger())
    for name, body in ACTIVITIES.items():
        app.function(name, f"def main(v):\n{_indented(body)}\n", activity_trigger("v"))
    app.function(
        "Counter", _COUNTER, {"name": "context", "type": "entityTrigger", "direction": "in"}
    )
    for name, code, route, methods in (
        ("HttpStart", _START, "start/{functionName}/{instanceId?}", ("post", "get")),
        ("HttpWait", _WAIT, "wait/{functionName}", ("post",)),
        ("HttpEntity", _ENTITY, "entity/{name}/{key}/{op?}", ("post", "get")),
        ("HttpClient", _CLIENT, "client/{call}", ("post",)),
    ):
        app.http(name, code, route, *methods, client=True)
    _plain_http(app)
    return app


def _plain_http(app: AppFolder) -> None:
    app.http("EchoAny", _ECHO, "echo/{*rest}")
    app.http("EchoGetOnly", _ECHO, "getonly", "get")
    app.http("EchoInt", _ECHO, "int/{id:int}", "get")
    app.http("EchoOptional", _ECHO, "opt/{a}/{b?}", "get")
    app.http("DefaultRoute", _ECHO)
    app.function(
        "NamedOut",
        _NAMED,
        http_trigger("named"),
        {"name": "res", "type": "http", "direction": "out"},
    )
    app.http("StrReturn", "def main(req) -> str:\n    return 'plain string'\n", "str")
    app.http("NoReturn", "def main(req):\n    return None\n", "none")
    app.http("Raises", "def main(req):\n    raise ValueError('http function failed')\n", "raises")
    app.function("Keyed", _ECHO, http_trigger("keyed", authLevel="function"), HTTP_OUT)
    app.function("Off", _ECHO, http_trigger("off"), HTTP_OUT, disabled=True)


def _indented(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
