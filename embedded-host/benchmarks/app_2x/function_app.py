"""The functions of the benchmark for SDK 2.x, with the names of ``benchmarks/app``."""

import platform
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from durabletask import task

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def http_starter(
    req: func.HttpRequest, client: df.DurableFunctionsClient
) -> func.HttpResponse:
    """Start the orchestrator of the route. The body is its input as JSON, or empty."""
    input = req.get_json() if req.get_body() else None
    instance_id = await client.schedule_new_orchestration(req.route_params["name"], input=input)
    return client.create_check_status_response(req, instance_id)


@app.activity_trigger(input_name="name", activity="HelloActivity")
def hello_activity(name: str) -> str:
    """Return a greeting with the operating system's name."""
    return f"Hello {name}! from {platform.system()} operating system"


@app.orchestration_trigger(context_name="ctx", orchestration="HelloOrchestrator")
def hello_orchestrator(ctx: task.OrchestrationContext, _: Any) -> Generator[Any, Any, Any]:
    """Return the greeting of World."""
    return (yield ctx.call_activity("HelloActivity", input="World"))


@app.orchestration_trigger(context_name="ctx", orchestration="FanOut")
def fan_out(ctx: task.OrchestrationContext, count: Any) -> Generator[Any, Any, Any]:
    """Run activities in parallel. The input is their number, the output the number of results."""
    calls = [ctx.call_activity("HelloActivity", input=str(number)) for number in range(count)]
    return len((yield task.when_all(calls)))


@app.orchestration_trigger(context_name="ctx", orchestration="Chain")
def chain(ctx: task.OrchestrationContext, count: Any) -> Generator[Any, Any, Any]:
    """Run activities in sequence. The input is their number, the output the number of results."""
    done = 0
    for number in range(count):
        yield ctx.call_activity("HelloActivity", input=str(number))
        done += 1
    return done
