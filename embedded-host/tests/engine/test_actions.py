from __future__ import annotations

from datetime import timedelta

import pytest

from embedded_host.engine.actions import RetryPolicy

DELAYS: list[tuple[RetryPolicy, list[float]]] = [
    (RetryPolicy(timedelta(seconds=2), 9), [2, 2, 2]),
    (RetryPolicy(timedelta(seconds=2), 9, backoff=2), [2, 4, 8]),
    (RetryPolicy(timedelta(seconds=2), 9, backoff=2, max_interval=timedelta(seconds=5)), [2, 4, 5]),
    (RetryPolicy(timedelta(days=9), 9), [6 * 86400] * 3),
    (RetryPolicy(timedelta(0), 9), [0, 0, 0]),
]


@pytest.mark.parametrize(("policy", "seconds"), DELAYS)
def test_retry_delays_grow_up_to_the_maximum(policy: RetryPolicy, seconds: list[float]) -> None:
    assert [policy.delay_after(n).total_seconds() for n in range(3)] == seconds


def test_the_delay_after_many_attempts_is_bounded() -> None:
    assert RetryPolicy(timedelta(seconds=1), 10_000, backoff=2).delay_after(5_000) == timedelta(
        days=6
    )
