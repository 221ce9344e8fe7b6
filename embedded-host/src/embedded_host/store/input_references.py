"""The JSON of history events in the state file, in which a long input is a reference.

The table ``inputs`` contains the input of each instance. A long input is stored in no other place.
The ExecutionStarted in the inbox and in the history contains a reference instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from embedded_host.engine.events import (
    ExecutionStarted,
    HistoryEvent,
    decode_events,
    encode_event,
    encode_events,
)
from embedded_host.engine.json_codec import compact_plain

LONG = 1024
"""Minimum number of characters of an input that is stored as a reference."""
_REFERENCE = {"in": "inputs"}
_REFERENCE_JSON = '"Input":{"in":"inputs"}'
"""The reference in the JSON of events.

It is unambiguous: every other input is null or a string, and strings escape their quotes.
"""


def encode_stored_event(event: HistoryEvent) -> str:
    """Return the JSON of an event in the inbox."""
    return encode_event(_referring(event))


def encode_stored_turn(events: Iterable[HistoryEvent]) -> str:
    """Return the JSON array of a turn's events."""
    return encode_events(map(_referring, events))


def decode_stored_turn(events: str, input: str | None) -> list[HistoryEvent]:
    """Parse the JSON array of a turn's events.

    ``input`` is the instance's input, to which an ExecutionStarted may refer. Raises ValueError if
    the JSON is invalid, and TypeError if ``events`` is not a string.
    """
    return decode_events(resolve_reference(events, input))


def _referring(event: HistoryEvent) -> HistoryEvent:
    """Return the event. If it is an ExecutionStarted, a reference replaces its long input."""
    if not isinstance(event, ExecutionStarted) or event.input is None or len(event.input) < LONG:
        return event
    return replace(event, input=_REFERENCE)


def has_reference(events: str) -> bool:
    """Return true if the JSON of one or more events contains a reference."""
    return _REFERENCE_JSON in events


def resolve_reference(events: str, input: str | None) -> str:
    """Return the JSON of one or more events, with ``input`` in place of the reference."""
    if not has_reference(events):
        return events
    input_json = "null" if input is None else compact_plain(input)
    return events.replace(_REFERENCE_JSON, f'"Input":{input_json}')
