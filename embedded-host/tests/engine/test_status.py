from __future__ import annotations

from embedded_host.engine.status import FINISHED, STATUSES, UNFINISHED, Status


def test_statuses_have_the_numbers_of_durabletask() -> None:
    assert [
        STATUSES.index(name)
        for name in ("Running", "Completed", "Failed", "Terminated", "Suspended")
    ] == [
        0,
        1,
        3,
        5,
        7,
    ]


def test_every_status_is_finished_or_unfinished() -> None:
    assert sorted(FINISHED + UNFINISHED) == sorted(STATUSES)
    assert all(Status(name).is_terminal for name in FINISHED)
    assert not any(Status(name).is_terminal for name in UNFINISHED)
