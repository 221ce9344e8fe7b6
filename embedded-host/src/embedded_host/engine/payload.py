"""What the worker is handed for one turn of an orchestrator (contract, 3.1 to 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from embedded_host.engine.history import DECISIONS, RETRY_OF, Event, EventType
from embedded_host.engine.json_codec import compact_plain

_NEVER_PLAYED = DECISIONS | {EventType.ORCHESTRATOR_STARTED, EventType.ORCHESTRATOR_COMPLETED}


@dataclass(frozen=True)
class TurnPayload:
    """The history with this turn's messages, and what goes with it. Texts are made when they are asked for: a worker that
    still has the orchestrator in memory needs only the events that it has not seen."""

    instance_id: str
    execution_id: str
    past: Sequence[Event]
    new: Sequence[Event]
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


def _shown(event: Event) -> Event:
    """Without what the host keeps for itself."""
    return {key: value for key, value in event.items() if key != RETRY_OF} if RETRY_OF in event else event


def _as_played(event: Event, events: Sequence[Event], at: int, earlier: bool) -> Event:
    """An event was played if an earlier turn delivered it to the orchestrator: then it was a message, or the
    OrchestratorCompleted that stands in a continued execution's first list before the worker is asked (contract, 3.4)."""
    event = _shown(event)
    if earlier and (event["EventType"] not in _NEVER_PLAYED or is_continuation_mark(events, at)):
        return {**event, "IsPlayed": True}
    return event


def is_continuation_mark(events: Sequence[Event], at: int) -> bool:
    """An OrchestratorCompleted that does not end its turn."""
    return (
        events[at]["EventType"] == EventType.ORCHESTRATOR_COMPLETED
        and at + 1 < len(events)
        and events[at + 1]["EventType"] != EventType.ORCHESTRATOR_STARTED
    )
