from __future__ import annotations

from datetime import datetime, timedelta, timezone

from embedded_host.testing.virtual_clock import START, VirtualClock


def test_a_start_without_a_zone_is_utc() -> None:
    assert VirtualClock(datetime(2026, 1, 2)).now() == datetime(2026, 1, 2, tzinfo=timezone.utc)
    zone = timezone(timedelta(hours=2))
    assert VirtualClock(datetime(2026, 1, 2, 2, tzinfo=zone)).now().utcoffset() == timedelta(0)


def test_the_clock_does_not_move_backwards() -> None:
    clock = VirtualClock(START)
    clock.advance_to(START + timedelta(hours=1))
    clock.advance_to(START)
    assert clock.now() == START + timedelta(hours=1)
