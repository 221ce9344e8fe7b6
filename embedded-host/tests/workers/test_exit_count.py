"""The exits of worker processes after which the Azure Functions host exits."""

from __future__ import annotations

import pytest

from embedded_host.workers.exit_count import ExitCount


def codes(exits: ExitCount, code: int, now: float) -> list[tuple[str, str]]:
    return [(found.code, found.function) for found in exits.add(code, now, ["A", "B", "A"])]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_third_exit_for_each_process_is_a_finding(processes: int) -> None:
    exits = ExitCount(processes)
    found = [codes(exits, 3, float(now)) for now in range(3 * processes + 1)]
    last = [("EH861", "A"), ("EH861", "B")]
    assert found == [[]] * (3 * processes - 1) + [last, []]


def test_exits_are_forgotten_after_half_an_hour_without_an_exit() -> None:
    exits = ExitCount(1)
    assert not any(codes(exits, 3, now) for now in (0.0, 1800.0, 3601.0, 3602.0))
    assert codes(exits, 3, 3603.0)


def test_an_exit_with_code_0_is_a_finding_and_does_not_count() -> None:
    exits = ExitCount(1)
    for _ in range(3):
        assert codes(exits, 0, 0.0) == [("EH866", "A"), ("EH866", "B")]
    assert not codes(exits, 3, 0.0)
