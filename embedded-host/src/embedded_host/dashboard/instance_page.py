"""One instance in the dashboard's API: its values, its history and the interpretation of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from itertools import chain

from embedded_host.dashboard.instance_steps import interpretation
from embedded_host.dashboard.list_documents import executions_of
from embedded_host.dashboard.long_values import (
    cut_parts,
    decoded_input,
    encoded_starts,
    event_value,
    start_of,
    values_of,
)
from embedded_host.dashboard.query_parameters import parse_integer
from embedded_host.engine.events import encode_events
from embedded_host.engine.json_codec import compact
from embedded_host.store.overview import Overview


def instance_document(
    overview: Overview,
    hub: str,
    instance_id: str,
    known: str,
    running_since: Callable[[int, int], datetime | None],
) -> str | None:
    """Return the JSON of an instance, or None if it does not exist.

    ``known`` identifies the turns that the page has already received. The events of these turns are
    omitted, unless a rewind or a new execution has replaced the history. ``running_since`` returns
    the start of an activity by the key of the instance and the id of the activity.
    """
    with overview.snapshot():
        row = overview.instance(hub, instance_id)
        if row is None:
            return None
        turns, first = overview.turns(row.key)
        history = f"{row.key}:{row.execution_id}:{first}"
        seen, _, count = known.rpartition("/")
        read = parse_integer(count) if seen == history else None
        after = read if read is not None and read <= turns else 0
        history_turns = overview.history(row.key)
    before = sum(map(len, history_turns[:after]))
    events, lengths = encoded_starts(history_turns[after:], before)
    details = {
        "key": row.key,
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "created": row.created / 1000,
        "updated": row.updated / 1000,
        **executions_of(row),
        "executionId": row.execution_id,
        "parent": json.loads(row.parent) if row.parent else None,
        "customStatus": start_of(row.custom_status),
        "output": start_of(row.output),
        "input": start_of(decoded_input(row.input)),
        "cut": {"events": lengths, **cut_parts(values_of(row))},
        "known": f"{history}/{turns}",
        "appended": after > 0,
        "interpretation": interpretation(
            list(chain.from_iterable(history_turns)),
            row.output,
            datetime.now(timezone.utc),
            partial(running_since, row.key),
        ),
    }
    return f'{compact(details)[:-1]},"events":{events}}}'


def instance_value(
    overview: Overview, hub: str, instance_id: str, part: str, event: int | None, field: str
) -> str | None:
    """Return a whole value of an instance, or None if it does not exist.

    The value is ``part``, or the field ``field`` of the history event with the index ``event``.
    """
    with overview.snapshot():
        row = overview.instance(hub, instance_id)
        if row is None:
            return None
        if part in (values := values_of(row)):
            return values[part]
        events = list(chain.from_iterable(overview.history(row.key)))
    if part == "history":
        return encode_events(events)
    return None if event is None else event_value(events, event, field)
