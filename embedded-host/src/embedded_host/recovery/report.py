"""The report of a recovery: the outcome for each instance."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

CONTINUED, FINISHED, ENTITY, FAILED, LOST = "continued", "finished", "entity", "failed", "lost"
OUTCOMES = (CONTINUED, FINISHED, ENTITY, FAILED, LOST)
"""continued: it was live and continues. finished: it had finished. entity: an entity with its state. failed: it was live, data that
it needs was lost, and it is Failed now. lost: it is not in the new file."""


@dataclass(frozen=True)
class InstanceOutcome:
    hub: str | None
    """None if it is not known."""
    id: str | None
    """None if it is not known."""
    status: str | None
    """The status before the recovery; None if it is not known."""
    outcome: str
    """One of ``OUTCOMES``."""
    detail: str | None = None
    """Lost data, or the reason of the failure; None if nothing was lost."""


@dataclass
class Report:
    instances: list[InstanceOutcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """The damage of the file."""

    def count(self) -> dict[str, int]:
        """Return the number of instances by outcome."""
        found = Counter(one.outcome for one in self.instances)
        return {outcome: found[outcome] for outcome in OUTCOMES}

    def of(self, outcome: str) -> list[InstanceOutcome]:
        return [one for one in self.instances if one.outcome == outcome]

    @property
    def incomplete(self) -> list[InstanceOutcome]:
        """The recovered instances that lack data."""
        return [
            one
            for one in self.instances
            if one.detail and one.outcome in (CONTINUED, FINISHED, ENTITY)
        ]

    def document(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "counts": self.count(),
            "problems": self.problems,
            "instances": [asdict(one) for one in self.instances],
        }

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Report:
        """Return the report of a ``document``."""
        return cls([InstanceOutcome(**one) for one in document["instances"]], document["problems"])
