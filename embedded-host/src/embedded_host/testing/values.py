"""Conversion between stored JSON and the values of an app's functions, objects of its own classes included."""

from __future__ import annotations

import json
from typing import Any

from embedded_worker.converters import converter_for


def decoded(text: str) -> Any:
    """Return the value that an activity gets for a JSON string."""
    from azure.functions import meta

    converter: Any = converter_for("activityTrigger")
    return converter.decode(meta.Datum(text, "string"), trigger_metadata={})


def encoded(value: Any) -> str:
    """Return the JSON string of a value that an activity returns. Raises ValueError if JSON cannot represent it."""
    converter: Any = converter_for("activityTrigger")
    return str(converter.encode(value, expected_type=None).value)


def input_value(text: str | None) -> Any:
    """Return a stored input of an orchestration or operation. The SDK's client encodes it twice, other clients once."""
    value = None if text is None else json.loads(text)
    return decoded(value) if isinstance(value, str) else decoded(text or "null")


def stored_value(text: str | None) -> Any:
    """Return a stored result, status or event. A string that is not JSON, such as an error's message, is returned unchanged."""
    if text is None:
        return None
    try:
        json.loads(text)
    except ValueError:
        return text
    return decoded(text)


def call_input(text: str | None, *, in_array: bool = False) -> Any:
    """Return a recorded input of a call. ``in_array``: the host records an activity's input in an array."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return stored_value(text)
    if in_array and isinstance(value, list) and len(value) == 1:
        value = value[0]
    return stored_value(value) if isinstance(value, str) else value
