"""What the worker is handed for one turn of an orchestrator (contract, 3.1 to 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET
from msgspec.structs import replace

from embedded_host.engine.events import (
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SchedulingEvent,
    TimerCreated,
)
from embedded_host.engine.history import is_continuation_mark
from embedded_host.engine.json_codec import compact_plain

_NEVER_PLAYED = (SchedulingEvent, OrchestratorStarted, OrchestratorCompleted)


@dataclass(frozen=True)
class TurnPayload:
    """The history with this turn's messages, and what goes with it. Texts are made when they are asked for: a worker that
    still has the orchestrator in memory needs only the events that it has not seen."""

    instance_id: str
    execution_id: str
    past: Sequence[HistoryEvent]
    new: Sequence[HistoryEvent]
    input: str | None
    """The stored text; it must be JSON."""
    parent_instance_id: str | None
    seen: int = 0
    """How many of the events the execution's last turn was handed; 0 if nobody has it in memory."""
    fresh: bool = False
    """The first turn after continue-as-new: ``past`` was handed to nobody (contract, 3.4)."""
    http_sleep_ms: int = 30000

    @property
    def size(self) -> int:
        return len(self.past) + len(self.new)

    def text(self) -> str:
        """All of it, as the SDK reads it: keys in the recorded order."""
        new_from = 0 if self.fresh else len(self.past)
        rest = compact_plain(
            {
                "instanceId": self.instance_id,
                "isReplaying": new_from > 1,
                "parentInstanceId": self.parent_instance_id,
                "upperSchemaVersion": 1,
                "upperSchemaVersionNew": 3,
                "longRunningTimerIntervalDuration": "3.00:00:00",
                "maximumShortTimerDuration": "6.00:00:00",
                "defaultHttpAsyncRequestSleepTimeMillseconds": self.http_sleep_ms,
            }
        )
        # The input is JSON already, and may be large: it is put in as it is.
        return f'{{"history":{self._history(new_from)},"input":{self.input or "null"},{rest[1:]}'

    def unseen(self) -> str:
        """The JSON array of the events behind ``seen``."""
        behind = self.past[self.seen :]
        return compact_plain([_shown(event) for event in (*behind, *self.new)])

    def _history(self, new_from: int) -> str:
        events = [*self.past, *self.new]
        return compact_plain([_as_played(event, events, at, at < new_from) for at, event in enumerate(events)])


def _shown(event: HistoryEvent) -> HistoryEvent:
    """Return the event without the host's private fields."""
    if isinstance(event, TimerCreated) and event.retry_of is not UNSET:
        return replace(event, retry_of=UNSET)
    return event


def _as_played(event: HistoryEvent, events: Sequence[HistoryEvent], at: int, earlier: bool) -> HistoryEvent:
    """An event was played if an earlier turn delivered it to the orchestrator: then it was a message, or the
    OrchestratorCompleted that stands in a continued execution's first list before the worker is asked (contract, 3.4)."""
    event = _shown(event)
    if earlier and (not isinstance(event, _NEVER_PLAYED) or is_continuation_mark(events, at)):
        return replace(event, is_played=True)
    return event
