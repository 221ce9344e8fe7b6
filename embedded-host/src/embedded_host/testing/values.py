"""Conversion between stored JSON and the values of an app's functions.

The values may be objects of the app's classes.
"""

from __future__ import annotations

import json

from azure.functions import meta

from embedded_worker.converters import converter_for


def decoded(json_value: str) -> object:
    """Return the value that an activity receives for a JSON string."""
    converter = converter_for("activityTrigger")
    value: object = converter.decode(meta.Datum(json_value, "string"), trigger_metadata={})
    return value


def encoded(value: object) -> str:
    """Return the JSON string that the Azure Functions worker sends for an activity's result.

    Raises ValueError if JSON cannot represent the value.
    """
    return str(converter_for("activityTrigger").encode(value, expected_type=None).value)


def input_value(json_value: str | None) -> object:
    """Return the value of a stored input of an orchestration or an entity operation.

    The SDK's client encodes an input twice. Other clients encode it once.
    """
    value = None if json_value is None else json.loads(json_value)
    return decoded(value) if isinstance(value, str) else decoded(json_value or "null")


def stored_value(stored: str | None) -> object:
    """Return the value of a stored output, custom status or event.

    A string that is not JSON, such as an error message, is returned unchanged.
    """
    if stored is None:
        return None
    try:
        json.loads(stored)
    except ValueError:
        return stored
    return decoded(stored)


def call_input(stored: str | None, *, in_array: bool = False) -> object:
    """Return the input of a recorded call.

    ``in_array`` is True for the input of an activity, which is recorded in an array.
    """
    if stored is None:
        return None
    try:
        value: object = json.loads(stored)
    except ValueError:
        return stored_value(stored)
    if in_array and isinstance(value, list) and len(value) == 1:
        value = value[0]
    return stored_value(value) if isinstance(value, str) else value
