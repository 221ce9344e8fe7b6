"""Values between JSON texts, as they are stored, and what an app's functions see, objects of its own classes included."""

from __future__ import annotations

import json
from typing import Any

from embedded_worker.converters import converter_for


def decoded(text: str) -> Any:
    """A JSON text as an activity would get it."""
    from azure.functions import meta

    converter: Any = converter_for("activityTrigger")
    return converter.decode(meta.Datum(text, "string"), trigger_metadata={})


def encoded(value: Any) -> str:
    """A value as an activity would return it. Raises ValueError for what cannot be made into JSON."""
    converter: Any = converter_for("activityTrigger")
    return str(converter.encode(value, expected_type=None).value)


def input_value(text: str | None) -> Any:
    """An orchestration's or operation's input from how it is stored: JSON in a JSON text if the SDK has sent it, else JSON."""
    value = None if text is None else json.loads(text)
    return decoded(value) if isinstance(value, str) else decoded(text or "null")


def stored_value(text: str | None) -> Any:
    """A result, status or event from how it is stored; an error's plain text, or a reason, as it is."""
    if text is None:
        return None
    try:
        json.loads(text)
    except ValueError:
        return text
    return decoded(text)
