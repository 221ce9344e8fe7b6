"""What is told of a recovery."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Lost:
    """One instance, or one thing, that is not as it was. ``hub`` and ``id`` are None where they are not known."""

    hub: str | None
    id: str | None
    status: str | None
    what: str


@dataclass
class Report:
    kept: int = 0
    """Instances and entities that are as they were."""
    failed: list[Lost] = field(default_factory=list)
    """That could not go on, and are Failed now."""
    incomplete: list[Lost] = field(default_factory=list)
    """That are there, with their outcome or state, but lack something."""
    left_out: list[Lost] = field(default_factory=list)
    """That are not there any more."""
    problems: list[str] = field(default_factory=list)
    """What was wrong with the file."""

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Report:
        """What ``document`` made, whatever else stands in it."""
        lost = {name: [Lost(**one) for one in document[name]] for name in ("failed", "incomplete", "left_out")}
        return cls(kept=document["kept"], problems=document["problems"], **lost)
