"""The log records of refused calls of the durable client.

The client of SDK 1.x raises an exception with the status, but without the body of the response. The
host therefore logs the reason. The management API also serves programs and browsers, whose calls
are not logged, because they receive the body.
"""

from __future__ import annotations

import json
import logging

from embedded_host.http.management_responses import INTERNAL_ERROR
from embedded_host.management.parameters import form_decoded
from embedded_host.web.response import Response

log = logging.getLogger("embedded_host.http")

_OPERATIONS = {
    "raiseevent": "raise_event",
    "terminate": "terminate",
    "suspend": "suspend",
    "resume": "resume",
    "rewind": "rewind",
    "restart": "restart",
}
"""The methods of the client by the operation in the path, in lower case."""
_WITHOUT_BODY = {
    404: "no instance has this id",
    410: "the instance has finished",
}
"""The reasons of responses without a body."""


def log_refusal(method: str, path: str, response: Response) -> None:
    """Log the reason of a refused call. ``path`` is the path below the client's endpoint.

    A 404 is not a refusal if the call reads an instance or purges it: the client then returns an
    empty result.
    """
    if response.status < 400 or (response.status == 404 and method != "POST"):
        return
    if method == "GET" and response.status == 500 and not _has_message(response.body):
        return  # the status of a failed instance
    call, subject = _call(method, form_decoded(path).strip("/").split("/"))
    log.warning(
        "%s%s was refused with status %d: %s. The exception of the SDK has no reason. [EH342]",
        call,
        f" of {subject}" if subject else "",
        response.status,
        _reason(response).rstrip("."),
    )


def _call(method: str, segments: list[str]) -> tuple[str, str]:
    """Return the name of the client's method, and the instance or the entity of the call."""
    kind, rest = segments[0].lower(), segments[1:]
    if kind == "orchestrators" and rest:
        instance = f", instance '{rest[1]}'" if len(rest) > 1 else ""
        return "start_new", f"'{rest[0]}'{instance}"
    if kind == "entities":
        name = "signal_entity" if method == "POST" else "read_entity_state"
        return name, f"the entity '@{'@'.join(rest)}'" if rest else ""
    instance = f"the instance '{rest[0]}'" if rest else ""
    if method == "POST" and len(rest) > 1:
        return _OPERATIONS.get(rest[1].lower(), rest[1]), instance
    if method == "DELETE":
        return "purge_instance_history" if rest else "purge_instance_history_by", instance
    return "get_status" if rest else "get_status_by", instance


def _reason(response: Response) -> str:
    body = _value(response.body)
    if isinstance(body, dict):
        message, detail = body.get("Message"), body.get("ExceptionMessage")
        texts = [text for text in (message, detail) if text and text != INTERNAL_ERROR]
        if texts:
            return ": ".join(str(text).rstrip(".") for text in texts)
    if isinstance(body, str) and body:
        return body
    return _WITHOUT_BODY.get(response.status, "the response has no reason")


def _has_message(body: bytes) -> bool:
    value = _value(body)
    return isinstance(value, dict) and "Message" in value


def _value(body: bytes) -> object:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode("utf-8", "replace")
