"""Received external events for which an orchestrator has not waited, often because of a typo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, to_builtins

from embedded_host.engine.events import EventRaised, HistoryEvent

SIMILAR = 0.6
"""Minimum similarity of an event's name to the name of an awaited event.

An instance waits for few events, so a lower value than for the names of all functions is correct.
"""


class UndeliveredEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A received event that no wait has accepted. The instance keeps it for a later wait."""

    name: str
    """The name, in the spelling of the sender."""
    received_time: str | None = None
    """Time of the last event of this name, ISO 8601 in UTC."""
    did_you_mean: str | None = None
    """The name of the awaited event that is most similar, or None."""

    @property
    def sentence(self) -> str:
        """A sentence for the user."""
        received = f" at {self.received_time}" if self.received_time else ""
        hint = f" Did you mean '{self.did_you_mean}'?" if self.did_you_mean else ""
        return f"The event '{self.name}' was received{received}, but nothing waits for it.{hint}"

    def document(self) -> dict[str, object]:
        """Return the JSON object of ``undeliveredEvents``."""
        document: dict[str, object] = to_builtins(self)
        return {"receivedTime": None, "didYouMean": None, **document}


def undelivered_events(
    events: Sequence[HistoryEvent], names: Iterable[str], awaited: Iterable[str]
) -> list[UndeliveredEvent]:
    """Return the undelivered events of a history.

    ``names`` are those of the undelivered events, and ``awaited`` those of the events that the
    orchestrator waits for.
    """
    names = list(names)
    if not names:
        return []
    from embedded_host.app.suggestion import closest

    known = list(awaited)
    raised = {event.name.lower(): event for event in events if isinstance(event, EventRaised)}
    found = []
    for name in names:
        event = raised.get(name.lower())
        found.append(
            UndeliveredEvent(
                name=event.name if event else name,
                received_time=event.timestamp if event else None,
                did_you_mean=closest(name, known, SIMILAR),
            )
        )
    return sorted(found, key=lambda event: event.received_time or "")
