"""Start an orchestrator over HTTP: GET or POST /api/orchestrators/{functionName}.

A JSON body becomes the input of the orchestrator.
"""

import json
import logging
from pathlib import Path
from typing import Any, NoReturn

import azure.durable_functions as df
import azure.functions as func

from shared.orchestrators import find_orchestrator, known_orchestrators

APP_ROOT = Path(__file__).resolve().parent.parent


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    """Start the orchestrator that the URL names, and return the URLs of its instance.

    Return 404 for an unknown orchestrator, and 400 for a body that is not JSON.
    """
    requested = req.route_params.get("functionName", "")
    known = known_orchestrators(APP_ROOT)
    name = find_orchestrator(requested, known)
    if name is None:
        return _error(
            404, f"There is no orchestrator '{requested}' in this app.", orchestrators=list(known)
        )
    try:
        orchestrator_input = _parse_input(req.get_body())
    except (ValueError, RecursionError) as error:
        return _error(400, f"The body of the request is not valid JSON: {error}")

    client = df.DurableOrchestrationClient(starter)
    instance_id = await client.start_new(name, None, orchestrator_input)
    logging.info("Started orchestrator %s with instance id %s.", name, instance_id)
    response: func.HttpResponse = client.create_check_status_response(req, instance_id)
    return response


def _parse_input(body: bytes) -> Any:
    """Return the value of a JSON body, or None for an empty body."""
    return json.loads(body, parse_constant=_reject_constant) if body.strip() else None


def _reject_constant(name: str) -> NoReturn:
    # json.loads accepts NaN and Infinity, which are not JSON.
    raise ValueError(f"{name} is not a JSON value")


def _error(status_code: int, message: str, **details: Any) -> func.HttpResponse:
    body = json.dumps({"error": message, **details})
    return func.HttpResponse(body, status_code=status_code, mimetype="application/json")
