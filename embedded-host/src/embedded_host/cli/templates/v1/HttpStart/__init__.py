"""An HTTP function that starts an orchestrator."""

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Start the orchestrator whose name is in the URL. A JSON body is the orchestrator's input."""
    client = df.DurableOrchestrationClient(starter)
    try:
        orchestrator_input = req.get_json() if req.get_body() else None
    except ValueError:
        return func.HttpResponse("The request body is not valid JSON.", status_code=400)
    instance_id = await client.start_new(req.route_params["functionName"], None, orchestrator_input)
    return client.create_check_status_response(req, instance_id)
