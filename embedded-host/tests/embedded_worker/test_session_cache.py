"""The orchestrators that a worker keeps in memory."""

from __future__ import annotations

import pytest

from embedded_worker.protocol import CallLineData
from embedded_worker.session_cache import SessionCache


class StoredSession:
    """A session that has processed two events of an execution."""

    execution_id = "e-1"
    seen = 2
    known = 0
    counts: list[int] | None = None
    finished = is_replaying = False
    lines: CallLineData | None = None

    def report_lines(self) -> None:
        raise NotImplementedError

    def run_turn(self, events: str | None = None) -> str:
        raise NotImplementedError

    def never_yielded(self) -> list[str]:
        return []

    def offset_timers(self) -> list[str]:
        return []

    def close(self) -> None:
        self.seen = 0


def test_taking_a_session_removes_it() -> None:
    sessions, kept = SessionCache(), StoredSession()
    sessions.keep("i-1", kept)
    assert sessions.take("i-2", "e-1", 2) is None
    assert sessions.take("i-1", "e-1", 2) is kept
    assert sessions.take("i-1", "e-1", 2) is None


@pytest.mark.parametrize(("execution", "seen"), [("e-2", 2), ("e-1", 1), ("e-1", 3)])
def test_a_session_that_has_seen_other_events_is_not_used(execution: str, seen: int) -> None:
    sessions = SessionCache()
    sessions.keep("i-1", StoredSession())
    assert sessions.take("i-1", execution, seen) is None
    assert sessions.take("i-1", "e-1", 2) is None


def test_the_least_recently_used_session_is_removed_first() -> None:
    sessions, kept = SessionCache(limit=2), [StoredSession() for _ in range(3)]
    sessions.keep("a", kept[0])
    sessions.keep("b", kept[1])
    taken = sessions.take("a", "e-1", 2)
    assert taken is kept[0]
    sessions.keep("a", taken)
    sessions.keep("c", kept[2])
    assert [sessions.take(name, "e-1", 2) for name in "abc"] == [kept[0], None, kept[2]]
