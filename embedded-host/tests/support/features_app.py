"""An app that uses every durable feature."""

from __future__ import annotations

from pathlib import Path

from tests.support.app_folder import AppFolder

ORCHESTRATORS = {
    "Chain": """
        seen = []
        for city in ("Tokyo", "Seattle", "London"):
            seen.append((yield context.call_activity("Echo", city)))
        return seen
        """,
    "FanOut": """
        calls = [context.call_activity("Echo", i) for i in range(context.get_input())]
        return (yield context.task_all(calls))
        """,
    "FirstOf": """
        calls = [context.call_activity("Sleep", seconds) for seconds in (0.01, 0.3)]
        first = yield context.task_any(calls)
        return first.result
        """,
    "Parent": """
        id = context.instance_id + "-child"
        child = yield context.call_sub_orchestrator("Child", {"n": 20}, id)
        calls = [context.call_sub_orchestrator("Child", {"n": n}) for n in (1, 2)]
        return [child, (yield context.task_all(calls))]
        """,
    "Child": """
        n = yield context.call_activity("Echo", context.get_input()["n"])
        return {"n": n + 1, "parent": context.parent_instance_id}
        """,
    "ParentOfFailing": 'yield context.call_sub_orchestrator("Failing")',
    "Failing": 'yield context.call_activity("Fail", "boom")',
    "Catching": """
        try:
            yield context.call_activity("Fail", "boom")
        except Exception as error:
            return "caught " + str(error).splitlines()[0]
        """,
    "Raising": 'yield context.call_activity("Echo", 1)\nraise ValueError("blew up")',
    "Retrying": """
        options = df.RetryOptions(10, 3)
        return (yield context.call_activity_with_retry("Flaky", options, context.get_input()))
        """,
    "RetryingInVain": """
        options = df.RetryOptions(10, 2)
        return (yield context.call_activity_with_retry("Flaky", options, context.get_input()))
        """,
    "Timer": """
        seconds = timedelta(seconds=context.get_input())
        yield context.create_timer(context.current_utc_datetime + seconds)
        return "fired"
        """,
    "Event": 'return (yield context.wait_for_external_event("Approval"))',
    "Events": """
        yield context.call_activity("Sleep", 0.2)
        seen = []
        for _ in range(context.get_input()):
            seen.append((yield context.wait_for_external_event("E")))
        return seen
        """,
    "EventsOfGenerations": """
        generation = context.get_input()
        yield context.call_activity("Sleep", 0.5)
        event = yield context.wait_for_external_event("E")
        if generation == 0:
            context.continue_as_new(1)
            return
        return [generation, event]
        """,
    "EventOrTimeout": """
        seconds = timedelta(seconds=context.get_input())
        timer = context.create_timer(context.current_utc_datetime + seconds)
        event = context.wait_for_external_event("Approval")
        winner = yield context.task_any([event, timer])
        if winner is timer:
            return "timed out"
        timer.cancel()
        return event.result
        """,
    "CountTo": """
        at, end = context.get_input()
        yield context.call_activity("Echo", at)
        if at == end:
            return at
        context.continue_as_new([at + 1, end])
        """,
    "CustomStatus": """
        context.set_custom_status({"step": 1})
        yield context.wait_for_external_event("go")
        context.set_custom_status("done")
        return "ok"
        """,
    "CallHttp": """
        response = yield context.call_http("GET", context.get_input())
        if not isinstance(response, dict):
            return str(response)
        return [response["statusCode"], response["content"]]
        """,
    "CountWithEntity": """
        entity = df.EntityId("Counter", context.instance_id)
        context.signal_entity(entity, "add", 5)
        yield context.call_entity(entity, "add", 3)
        return (yield context.call_entity(entity, "get"))
        """,
}

ACTIVITIES = {
    "Echo": "return value",
    "Fail": "raise ValueError('activity failed: ' + value)",
    "Sleep": "import time\ntime.sleep(value)\nreturn value",
    # Fails twice for each input, which is the name of the file that counts the attempts.
    "Flaky": """
        from pathlib import Path
        with Path(value).open("a+") as file:
            file.write("x")
            file.seek(0)
            attempt = len(file.read())
        if attempt < 3:
            raise RuntimeError(f"attempt {attempt}")
        return f"attempt {attempt}"
        """,
}

_CLIENT = """\
import json

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.OrchestrationRuntimeStatus import OrchestrationRuntimeStatus


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    call, options = req.route_params["call"], req.get_json()
    try:
        if call == "get_status_by":
            wanted = [OrchestrationRuntimeStatus(name) for name in options["status"]]
            found = await client.get_status_by(runtime_status=wanted)
            result = [status.instance_id for status in found]
        elif call == "get_status":
            status = await client.get_status(**options)
            name = status.runtime_status.value if status.runtime_status else None
            result = {
                "instanceId": status.instance_id, "runtimeStatus": name, "input": status.input_
            }
        elif call == "wait":
            return await client.wait_for_completion_or_create_check_status_response(
                req, options["id"], 10000, 50
            )
        else:
            result = await getattr(client, call)(**options)
    except Exception as error:
        return func.HttpResponse(str(error), status_code=418)
    body = json.dumps(getattr(result, "instances_deleted", result))
    return func.HttpResponse(body, mimetype="application/json")
"""


def features_app(root: Path) -> AppFolder:
    """Write the app to the folder ``root``."""
    app = AppFolder(root, hub="Features")
    app.starter()
    app.http("Client", _CLIENT, "client/{call}", "post", client=True)
    app.http(
        "Greet", "def main(req): return 'hello ' + req.params.get('name', 'you')", "greet", "get"
    )
    app.counter()
    for name, body in ORCHESTRATORS.items():
        app.orchestrator(name, body)
    for name, body in ACTIVITIES.items():
        app.activity(name, body)
    return app
