"""The kinds of parity findings about replays of orchestrators."""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

NOT_DETERMINISTIC = Kind(
    "EH860",
    "an instance of the orchestrator {function} fails, as here, because a replay of its code makes "
    "other calls than before",
    "The calls of an orchestrator may depend only on its input, on results of its calls, and on "
    "context.current_utc_datetime. Call anything else in an activity.",
)
