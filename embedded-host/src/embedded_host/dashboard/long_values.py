"""The start of long values, which the page shows instead of megabytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec import structs

from embedded_host.engine.events import HistoryEvent, encode_events
from embedded_host.store.overview import InstanceDetails

LONGEST = 100_000
"""Maximum number of characters of a value. The rest is omitted, and the page can download it."""
_FIELDS = ("input", "result", "reason", "details", "data")


def start_of(text: str | None) -> str | None:
    """Return the first ``LONGEST`` characters of a text."""
    return text if text is None else text[:LONGEST]


def decoded_input(text: str | None) -> str | None:
    """Return the value of a long input, which the SDK encodes as JSON in a JSON string."""
    if text is None or len(text) <= LONGEST or text[0] != '"':
        return text
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def values_of(row: InstanceDetails) -> dict[str, str | None]:
    """Return the values of an instance by their names in the dashboard's API."""
    return {
        "input": decoded_input(row.input),
        "output": row.output,
        "customStatus": row.custom_status,
    }


def cut_parts(values: Mapping[str, str | None]) -> dict[str, object]:
    """Return the length of each value that is longer than its shown start."""
    return {
        name: len(value)
        for name, value in values.items()
        if value is not None and len(value) > LONGEST
    }


def encoded_starts(
    turns: Sequence[Sequence[HistoryEvent]], first: int
) -> tuple[str, dict[int, dict[str, int]]]:
    """Return the JSON array of all events with their long fields cut.

    The second value has the length of each field that is cut, by the index of its event and the key
    of the field. ``first`` is the index of the first event.
    """
    texts: list[str] = []
    lengths: dict[int, dict[str, int]] = {}
    for turn in turns:
        text = encode_events(turn)
        if len(text) > LONGEST:
            events = []
            for index, event in enumerate(turn, first):
                event, cut = _cut(event)
                events.append(event)
                if cut:
                    lengths[index] = cut
            text = encode_events(events)
        first += len(turn)
        if len(text) > 2:
            texts.append(text[1:-1])
    return f"[{','.join(texts)}]", lengths


def _cut(event: HistoryEvent) -> tuple[HistoryEvent, dict[str, int]]:
    values = {name: getattr(event, name, None) for name in _FIELDS}
    long = {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and len(value) > LONGEST
    }
    if not long:
        return event, {}
    event = structs.replace(event, **{name: value[:LONGEST] for name, value in long.items()})
    return event, {name.capitalize(): len(value) for name, value in long.items()}


def event_value(events: Sequence[HistoryEvent], index: int, key: str) -> str | None:
    """Return the whole value of a field of an event, or None if there is none."""
    name = key.lower()
    if name not in _FIELDS or not 0 <= index < len(events):
        return None
    value: object = getattr(events[index], name, None)
    return value if isinstance(value, str) else None
