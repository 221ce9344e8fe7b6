"""Starts the orchestrator of the route. The body is its input as JSON, or empty."""

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Start the orchestrator and return its management URLs."""
    client = df.DurableOrchestrationClient(starter)
    input = req.get_json() if req.get_body() else None
    instance_id = await client.start_new(req.route_params["name"], client_input=input)
    return client.create_check_status_response(req, instance_id)
