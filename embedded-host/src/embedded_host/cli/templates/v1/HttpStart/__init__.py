"""Starts the orchestrator that the URL names; a JSON body becomes its input."""

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    orchestrator_input = req.get_json() if req.get_body() else None
    instance_id = await client.start_new(req.route_params["functionName"], None, orchestrator_input)
    return client.create_check_status_response(req, instance_id)
