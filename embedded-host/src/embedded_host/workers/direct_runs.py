"""The functions that ``POST /admin/functions/{name}`` can run, and the inputs that they accept."""

from __future__ import annotations

import json

from embedded_host.app.definitions import Function


def direct_run_problem(function: Function, input: str | None) -> str:
    """Return the reason why a function cannot run without an event, or an empty string.

    The texts begin with those of the Azure Functions host (functions-host.md#admin-endpoints).
    """
    kind = function.trigger.type.lower()
    if kind in ("orchestrationtrigger", "entitytrigger"):
        return (
            "Durable orchestrator functions do not support direct invocation. Start an "
            "orchestration from a client function by using a Durable client."
        )
    if kind == "httptrigger":
        return "An HttpRequest is required. Send a request to the URL of the function."
    if kind == "activitytrigger" and not _is_json(input):
        shown = "there is no input" if not input else f"the input {input!r} is not JSON"
        return (
            f"Exception binding parameter '{function.trigger.name}': {shown}. The input of an "
            'activity is JSON in a string, for example {"input": "{\\"a\\": 1}"}.'
        )
    return ""


def _is_json(text: str | None) -> bool:
    try:
        json.loads(text or "")
    except (ValueError, RecursionError):
        return False
    return True
