"""The report of a recovery: the outcome for each instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from msgspec import convert

CONTINUED, FINISHED, ENTITY, FAILED, LOST = "continued", "finished", "entity", "failed", "lost"
OUTCOMES = (CONTINUED, FINISHED, ENTITY, FAILED, LOST)
"""The outcomes of a recovery:

- continued: a live instance that continues.
- finished: an instance that had finished.
- entity: an entity with its state.
- failed: a live instance that is Failed now, because data that it needs was lost.
- lost: an instance that the new file does not contain.
"""


@dataclass(frozen=True)
class InstanceOutcome:
    """The outcome for one instance or entity."""

    hub: str | None
    """The task hub, or None if it is unknown."""
    id: str | None
    """The instance id, or None if it is unknown."""
    status: str | None
    """The runtime status before the recovery, or None if it is unknown."""
    outcome: str
    """One of ``OUTCOMES``."""
    detail: str | None = None
    """The lost data or the reason for the failure, or None if nothing was lost."""


@dataclass
class Report:
    """The outcomes of a recovery."""

    instances: list[InstanceOutcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Descriptions of the file's damage."""

    def count(self) -> dict[str, int]:
        """Return the number of instances by outcome."""
        counts = Counter(one.outcome for one in self.instances)
        return {outcome: counts[outcome] for outcome in OUTCOMES}

    def of(self, outcome: str) -> list[InstanceOutcome]:
        """Return the instances with an outcome."""
        return [one for one in self.instances if one.outcome == outcome]

    @property
    def incomplete(self) -> list[InstanceOutcome]:
        """The recovered instances that lack data."""
        return [
            one
            for one in self.instances
            if one.detail and one.outcome in (CONTINUED, FINISHED, ENTITY)
        ]

    def document(self) -> dict[str, object]:
        """Return the report's JSON object."""
        return {
            "counts": self.count(),
            "problems": self.problems,
            "instances": [asdict(one) for one in self.instances],
        }

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> Report:
        """Parse a report's JSON object. Raises msgspec.ValidationError if the object is invalid."""
        return convert(document, cls)
