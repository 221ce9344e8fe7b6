"""Starts the orchestrator that the route names; the body, if there is one, is its input as JSON."""

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    input = req.get_json() if req.get_body() else None
    instance_id = await client.start_new(req.route_params["name"], client_input=input)
    return client.create_check_status_response(req, instance_id)
