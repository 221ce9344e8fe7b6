"""The log of the clients' requests and their outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Outcome(str, Enum):
    """The outcome of a request, according to its response."""

    ACKNOWLEDGED = "acknowledged"
    """Status 2xx: the request is durable and takes effect exactly once."""
    UNKNOWN = "unknown"
    """Missing response or failure of the host: the request takes effect at most once."""
    REJECTED = "rejected"
    """Status 4xx: the request has no effect."""


@dataclass(frozen=True)
class ClientRequest:
    """A request. Each one has its own ``token``."""

    operation: str
    """start, event, signal, suspend, resume, terminate, purge, rewind or restart."""
    target: str
    """Id of the instance or entity."""
    token: str
    outcome: Outcome


@dataclass
class PlannedInstance:
    """An instance that a client starts, and its expected end."""

    id: str
    kind: str
    """A key of clients.KINDS."""
    name: str
    """Name of the orchestrator."""
    count: int = 3
    seconds: float = 0.0
    group: str = ""
    """Name of a lock, which the instances of a group share (Section)."""
    renew: int = 0
    """Number of events after which a Collect continues as new."""
    end: str = "Completed"
    """Completed, Terminated, or Gone (purged)."""
    finished: bool = False
    """True after the script of the client has completed."""


@dataclass
class RequestLog:
    """The planned instances and the requests of all clients."""

    planned: dict[str, PlannedInstance] = field(default_factory=dict)
    requests: list[ClientRequest] = field(default_factory=list)
    _index: dict[str, list[ClientRequest]] = field(default_factory=dict, init=False, repr=False)
    _indexed: int = field(default=0, init=False, repr=False)

    def record(self, operation: str, target: str, token: str, outcome: Outcome) -> None:
        """Add a request."""
        self.requests.append(ClientRequest(operation, target, token, outcome))

    def of(self, operation: str, target: str) -> Iterator[ClientRequest]:
        """Return the requests for an operation in order, without the rejected ones."""
        return (
            request
            for request in self._of(target)
            if request.operation == operation and request.outcome is not Outcome.REJECTED
        )

    def _of(self, target: str) -> list[ClientRequest]:
        # An index, because the checker needs the requests of each instance several times.
        for request in self.requests[self._indexed :]:
            self._index.setdefault(request.target, []).append(request)
        self._indexed = len(self.requests)
        return self._index.get(target, [])

    def tokens(self, planned: PlannedInstance) -> list[str]:
        """Return the tokens of the start requests that may have created the instance.

        If the last request was acknowledged, only its token is returned. Otherwise the last request
        was rejected, because one of the earlier requests without a response had taken effect.
        """
        starts = list(self.of("start", planned.id))
        if starts and starts[-1].outcome is Outcome.ACKNOWLEDGED:
            return [starts[-1].token]
        return [start.token for start in starts]
