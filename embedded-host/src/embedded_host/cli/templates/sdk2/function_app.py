"""A Durable Functions app for SDK 2.x with an HTTP function, an orchestrator and an activity."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from durabletask import task

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="orchestrators/{functionName}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def http_start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    """Start the orchestrator whose name is in the URL. A JSON body is the orchestrator's input."""
    try:
        orchestrator_input = req.get_json() if req.get_body() else None
    except ValueError:
        return func.HttpResponse("The request body is not valid JSON.", status_code=400)
    instance_id = await client.schedule_new_orchestration(
        req.route_params["functionName"], input=orchestrator_input
    )
    return client.create_check_status_response(req, instance_id)


# Keep the name "ctx", because the Azure Functions host refuses a context parameter with the name
# "context".
@app.orchestration_trigger(context_name="ctx")
def hello_cities(
    ctx: task.OrchestrationContext, _: Any
) -> Generator[task.Task[str], str, list[str]]:
    """Return three greetings.

    The host replays an orchestrator from its start, so its code must be deterministic. Read the
    clock, use the network and generate random numbers only in activities.
    """
    tokyo = yield ctx.call_activity("say_hello", input="Tokyo")
    seattle = yield ctx.call_activity("say_hello", input="Seattle")
    london = yield ctx.call_activity("say_hello", input="London")
    return [tokyo, seattle, london]


@app.activity_trigger(input_name="city")
def say_hello(city: str) -> str:
    """Return a greeting.

    If the host stops before the result is recorded, the activity runs again.
    """
    return f"Hello {city}!"
