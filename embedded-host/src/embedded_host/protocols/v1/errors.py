"""The SDK's errors: outputs that cannot be parsed, and exceptions whose message contains an output."""

from __future__ import annotations

import json
from dataclasses import replace

from embedded_host.engine.failures import UserError
from embedded_host.errors import EmbeddedHostError

OUT_OF_PROC_LABEL = "\n\n$OutOfProcData$:"
"""Precedes the JSON of the output in the message of an exception that the SDK raises for an orchestrator."""


class MalformedOutputError(EmbeddedHostError, ValueError):
    """The output of an orchestrator or entity has another form than the SDK's."""


def activity_error(error: UserError) -> UserError:
    """Return the error without the SDK's label and what follows it."""
    message, label, _ = error.message.partition(OUT_OF_PROC_LABEL)
    return replace(error, message=message) if label else error


def output_in_message(error: UserError) -> dict[str, object] | None:
    """Return the output that the SDK put into the exception's message; None if there is none."""
    _, label, text = error.message.partition(OUT_OF_PROC_LABEL)
    if not label:
        return None
    try:
        output = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return output if isinstance(output, dict) else None
