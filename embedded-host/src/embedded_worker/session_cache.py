"""The orchestrators that a worker keeps in memory between turns."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

from embedded_worker.protocol import SESSION_LIMIT, CallLineData


class Session(Protocol):
    """One execution of one orchestrator in memory."""

    execution_id: str
    seen: int
    """The number of events that the execution has processed."""
    known: int
    """The number of actions that the last turn omitted, because an earlier turn returned them."""

    def report_lines(self) -> None:
        """Determine the lines of the calls. Call this method before the first turn."""

    @property
    def lines(self) -> CallLineData | None:
        """The lines of the calls, or None if ``report_lines`` was not called."""

    def run_turn(self, events: str | None = None) -> str:
        """Run a turn and return the SDK's JSON.

        ``events`` is None for the first turn, and the JSON of the new events for later turns.
        """

    @property
    def counts(self) -> list[int] | None:
        """The number of actions after each event of the last turn, or None."""

    @property
    def is_replaying(self) -> bool:
        """True while the orchestrator runs code that an earlier turn has already run."""

    @property
    def finished(self) -> bool:
        """True if the execution has completed, failed or continued as new."""

    def never_yielded(self) -> list[str]:
        """Return a warning for each call that never runs because its task was never yielded."""

    def offset_timers(self) -> list[str]:
        """Return a warning for each new timer that fires at another time than its code states."""

    def close(self) -> None:
        """Free the memory of the session."""


class SessionCache:
    """The orchestrators in memory, by instance id.

    If there are too many, the least recently used orchestrator is removed. The class is
    thread-safe.
    """

    def __init__(self, limit: int = SESSION_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def take(self, instance_id: str, execution_id: str, seen: int) -> Session | None:
        """Remove and return the session that has processed ``seen`` events of this execution.

        Return None if there is no such session.
        """
        with self._lock:
            session = self._kept.pop(instance_id, None)
        if session is None or (session.execution_id == execution_id and session.seen == seen):
            return session
        session.close()
        return None

    def discard(self, instance_id: str) -> None:
        """Remove the session of an instance, if there is one."""
        with self._lock:
            session = self._kept.pop(instance_id, None)
        if session is not None:
            session.close()

    def keep(self, instance_id: str, session: Session) -> None:
        """Keep ``session``. If there are too many sessions, remove the least recently used one."""
        with self._lock:
            # An earlier execution that ended on another worker is still in this cache.
            dropped = self._kept.pop(instance_id, None)
            self._kept[instance_id] = session
            if len(self._kept) > self._limit:
                dropped = self._kept.popitem(last=False)[1]
        if dropped is not None:
            dropped.close()
