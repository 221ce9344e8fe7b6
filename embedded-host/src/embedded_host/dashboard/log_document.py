"""The query and the JSON of log lines in the dashboard's API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from embedded_host.dashboard.query_parameters import (
    InvalidParameterError,
    QueryParameters,
    parse_integer,
)
from embedded_host.store.log_lines import LogQuery, read_lines
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
    return LogQuery(
        hub,
        parameters.text("instanceid"),
        parameters.text("function"),
        level,
        _line_number(parameters, "after"),
        parameters.number("limit", 200, MOST),
        _line_number(parameters, "before"),
    )


def _line_number(parameters: QueryParameters, name: str) -> int | None:
    text = parameters.text(name)
    number = parse_integer(text) if text else None
    if text and number is None:
        raise InvalidParameterError(f"'{name}' must be a number, not '{text}'. [EH336]")
    return number


def read_log_document(path: Path, query: LogQuery) -> dict[str, object]:
    """Return the lines, and the number of the last one for the next request.

    ``older`` is true if there are older lines than the newest ones that the query selects.
    """
    after = query.after
    # Older lines exist if one more line is found.
    lines = read_lines(path, query if after is not None else replace(query, limit=query.limit + 1))
    has_older = len(lines) > query.limit
    lines = lines[-query.limit :]
    return {
        "older": has_older,
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
