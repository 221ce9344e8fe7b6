"""The inputs of steps as the app's code passed them, for labels."""

from __future__ import annotations

import json

from embedded_host.engine.json_codec import compact
from embedded_host.history.steps import Call, CallKind

LABEL = 100
"""Maximum length of a label in characters."""
_PARSED = 20_000
"""Maximum length of an input that is parsed for its label. A longer input is cut unparsed."""


def input_label(call: Call) -> str | None:
    """Return the start of a call's input in one line, or None if the input is not recorded."""
    text = call.input
    if text is None:
        return None
    if len(text) <= _PARSED:
        text = unwrapped_input(text, in_array=call.kind is CallKind.ACTIVITY)
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"


def unwrapped_input(text: str, *, in_array: bool) -> str:
    """Return a recorded input as compact JSON, without the array and the strings around it.

    With ``in_array``, the value is the only element of an array, as in TaskScheduled. The SDK
    encodes a value as JSON, and the extension encodes this JSON as a JSON string.
    """
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    if in_array and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return compact(value)
