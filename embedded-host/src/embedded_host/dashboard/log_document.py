"""The query and the JSON of log lines in the dashboard's API."""

from __future__ import annotations

from collections.abc import Sequence

from embedded_host.dashboard.query_parameters import (
    InvalidParameterError,
    QueryParameters,
    parse_integer,
)
from embedded_host.store.log_lines import LogQuery, StoredLine
from embedded_worker.log_levels import LEVELS, level_number

MOST = 1000
"""Maximum number of lines in a response."""


def log_query(hub: str, parameters: QueryParameters) -> LogQuery:
    """Return the filter of a request. Raises InvalidParameterError."""
    level = level_number(parameters.text("level") or LEVELS[0])
    if level is None:
        raise InvalidParameterError(
            f"'level' must be one of {', '.join(LEVELS)}, not '{parameters.text('level')}'. [EH336]"
        )
    after = parse_integer(parameters.text("after") or "0")
    if after is None:
        raise InvalidParameterError(
            f"'after' must be a number, not '{parameters.text('after')}'. [EH336]"
        )
    return LogQuery(
        hub,
        parameters.text("instanceid"),
        parameters.text("function"),
        level,
        after if parameters.text("after") else None,
        parameters.number("limit", 200, MOST),
    )


def log_document(lines: Sequence[StoredLine], after: int | None) -> dict[str, object]:
    """Return the lines, and the number of the last one for the next request."""
    return {
        "lines": [
            {
                "id": id,
                "time": line.time / 1000,
                "level": LEVELS[line.level],
                "category": line.category,
                "function": line.function,
                "invocationId": line.invocation_id,
                "instanceId": line.instance_id,
                "message": line.text,
            }
            for id, line in lines
        ],
        "last": lines[-1].id if lines else after or 0,
    }
