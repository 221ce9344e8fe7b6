"""Conversion between stored JSON and the values of an app's functions.

The values may be objects of the app's classes. The SDK converts the values of activities. Other
conversions depend on the version of the SDK, which the app shares with the test kit.
"""

from __future__ import annotations

import json

from azure.functions import meta

from embedded_worker.converters import converter_for
from embedded_worker.sdk import USES_DURABLETASK


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


def encoded_input(value: object) -> str | None:
    """Return the JSON string that the SDK's client sends for an orchestration's input.

    The client of SDK 1.x encodes an input twice. The result is None if the client sends no input.
    """
    if USES_DURABLETASK:
        return None if value is None else encoded(value)
    from azure.durable_functions import DurableOrchestrationClient

    input_json = DurableOrchestrationClient._get_json_input(value)
    return None if input_json is None else json.dumps(input_json)


def encoded_signal(value: object) -> str | None:
    """Return the JSON string that the SDK's client sends for the input of a signal.

    The client of SDK 1.x encodes an input twice. The result is None for the input None.
    """
    if value is None:
        return None
    return encoded(value) if USES_DURABLETASK else json.dumps(json.dumps(value))


def encoded_event(value: object) -> str | None:
    """Return the JSON string that the SDK's client sends for the value of an external event."""
    if USES_DURABLETASK:
        return None if value is None else encoded(value)
    return json.dumps(value)


def encoded_reason(reason: str | None) -> str | None:
    """Return the string that the SDK's client sends as the reason of a termination.

    The client of SDK 2.x sends JSON.
    """
    return reason if reason is None or not USES_DURABLETASK else encoded(reason)


def input_value(json_value: str | None) -> object:
    """Return the value of a stored input of an orchestration or an entity operation.

    The client of SDK 1.x encodes an input twice. Other clients encode it once.
    """
    if json_value is not None and not USES_DURABLETASK:
        value: object = json.loads(json_value)
        if isinstance(value, str):
            return decoded(value)
    return decoded(json_value or "null")


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
    is_in_array = in_array and isinstance(value, list) and len(value) == 1
    if is_in_array:
        assert isinstance(value, list)
        value = value[0]
    elif USES_DURABLETASK:
        return decoded(stored)  # SDK 2.x encodes the input of other calls once
    return stored_value(value) if isinstance(value, str) else value
