"""Errors of the SDK: malformed outputs, and exceptions whose message contains an output."""

from __future__ import annotations

import json
from dataclasses import replace

from embedded_host.engine.failures import UserError
from embedded_host.errors import EmbeddedHostError

OUT_OF_PROC_LABEL = "\n\n$OutOfProcData$:"
"""Label in the message of an exception that the SDK raises for a failed orchestrator.

The JSON of the orchestrator's output follows the label.
"""


class MalformedOutputError(EmbeddedHostError, ValueError):
    """The output of an orchestrator or entity does not have the form of the SDK's output."""


def activity_error(error: UserError) -> UserError:
    """Return the error of an activity, without the SDK's label and the output after it."""
    message, label, _ = error.message.partition(OUT_OF_PROC_LABEL)
    return replace(error, message=message) if label else error


def output_in_message(error: UserError) -> dict[str, object] | None:
    """Return the output in the message of an orchestrator's exception, or None if there is none."""
    _, label, text = error.message.partition(OUT_OF_PROC_LABEL)
    if not label:
        return None
    try:
        output = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return output if isinstance(output, dict) else None
