"""The critical sections of an execution."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.critical_sections import is_open, open_critical_sections
from embedded_host.engine.entity_messages import (
    LOCKED,
    EntityId,
    LockRequest,
    lock_request_message,
    release_message,
    request_message,
)
from embedded_host.engine.events import HistoryEvent
from tests.engine.scenario import T0


def test_a_critical_section_is_open_until_its_release() -> None:
    request = LockRequest("4b2aee4b", "i-1", (EntityId("tally", "a"), EntityId("tally", "b@c")))
    lock = lock_request_message(
        request_id=request.id, parent=request.parent, lock_set=list(map(str, request.lock_set))
    )
    call = request_message(
        request_id="r", operation="4b2aee4b", input="1", signal=False, now=T0, protocol=2
    )
    sent: list[HistoryEvent] = [
        h.event_sent(T0, 1, "@tally@a", "op", lock),
        h.event_raised(T0, "4b2aee4b", LOCKED),
        h.event_sent(T0, 2, "@tally@a", "op", call),
        h.event_sent(T0, 3, "other", "Go", "1"),
        h.event_sent(T0, 4, "@tally@a", "op", "no message"),
    ]
    assert not is_open([], request)
    assert not is_open(sent[1:2], request)
    assert open_critical_sections([]) == []
    assert is_open(sent[:2], request)
    assert open_critical_sections(sent) == [request]
    release = release_message(request_id=request.id, parent=request.parent)
    released = [*sent, h.event_sent(T0, 5, "@tally@a", "release", release)]
    assert not is_open(released, request)
    assert open_critical_sections(released) == []
