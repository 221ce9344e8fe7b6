"""What the clients asked for, and what they were told: kept outside the host, and held against it in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Told(str, Enum):
    ACKNOWLEDGED = "acknowledged"
    """2xx: it is durable, and takes effect once."""
    UNKNOWN = "unknown"
    """The connection broke, or the host said that it could not: it took effect once or not at all."""
    REFUSED = "refused"
    """4xx: it took no effect."""


@dataclass(frozen=True)
class Asked:
    """One request. No two have the same ``token``."""

    what: str
    """start, event, signal, suspend, resume, terminate, purge, rewind or restart."""
    target: str
    """The id of an instance or an entity."""
    token: str
    told: Told


@dataclass
class Planned:
    """One instance, and what is to become of it."""

    id: str
    kind: str
    """See clients.KINDS."""
    name: str
    """The orchestrator's."""
    count: int = 3
    seconds: float = 0.0
    group: str = ""
    """Instances of one group share a lock (Section)."""
    renew: int = 0
    """Collect: continue as new after so many events."""
    end: str = "Completed"
    """Completed, Terminated, or Gone (purged)."""
    finished: bool = False
    """Its client has seen its end."""


@dataclass
class Ledger:
    planned: dict[str, Planned] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    _index: dict[str, list[Asked]] = field(default_factory=dict, init=False, repr=False)
    _indexed: int = field(default=0, init=False, repr=False)

    def note(self, what: str, target: str, token: str, told: Told) -> None:
        self.asked.append(Asked(what, target, token, told))

    def of(self, what: str, target: str) -> Iterator[Asked]:
        """In order, without what was refused."""
        return (a for a in self._of(target) if a.what == what and a.told is not Told.REFUSED)

    def _of(self, target: str) -> list[Asked]:
        # The checker asks this of every instance, several times: the index grows with the list.
        for asked in self.asked[self._indexed :]:
            self._index.setdefault(asked.target, []).append(asked)
        self._indexed = len(self.asked)
        return self._index.get(target, [])

    def tokens(self, planned: Planned) -> list[str]:
        """Of which start the instance may be: of the last one if that was acknowledged, else (it was refused, because one of
        those before had taken effect) of any whose answer did not come."""
        starts = list(self.of("start", planned.id))
        if starts and starts[-1].told is Told.ACKNOWLEDGED:
            return [starts[-1].token]
        return [start.token for start in starts]
