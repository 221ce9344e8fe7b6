"""The retry policies of functions, with the rules of the Azure Functions host."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

import pytest

from embedded_host.app.function_retry import FOREVER, FunctionRetry, RetryPolicyError

SECOND = timedelta(seconds=1)


def fixed(**properties: object) -> dict[str, object]:
    policy: dict[str, object] = {
        "strategy": "fixedDelay",
        "maxRetryCount": 3,
        "delayInterval": "00:00:01",
    }
    return {**policy, **properties}


def exponential(**properties: object) -> dict[str, object]:
    policy: dict[str, object] = {
        "strategy": "exponentialBackoff",
        "maxRetryCount": 9,
        "minimumInterval": "00:00:01",
        "maximumInterval": "00:00:05",
    }
    return {**policy, **properties}


def test_a_fixed_delay_is_the_same_before_each_retry() -> None:
    assert list(FunctionRetry.parse(fixed()).delays()) == [SECOND] * 3


def test_a_policy_without_limit_never_ends() -> None:
    policy = FunctionRetry.parse(fixed(maxRetryCount=-1))
    assert policy.max_retry_count == FOREVER
    assert list(islice(policy.delays(), 1000)) == [SECOND] * 1000


def test_exponential_backoff_begins_with_the_minimum_and_ends_at_the_maximum() -> None:
    for _ in range(50):
        delays = [delay / SECOND for delay in FunctionRetry.parse(exponential()).delays()]
        assert delays[0] == 1
        assert 1.8 <= delays[1] <= 2.2
        assert 2.6 <= delays[2] <= 3.4
        assert 4.2 <= delays[3] <= 5
        assert delays[4:] == [5] * 5


def test_many_retries_do_not_overflow() -> None:
    policy = FunctionRetry.parse(
        exponential(
            maxRetryCount=-1, minimumInterval="00:00:00", maximumInterval="10675198.00:00:00"
        )
    )
    assert next(islice(policy.delays(), 5000, None)) == timedelta(0)


@pytest.mark.parametrize(
    "properties",
    [
        {"Strategy": "FIXEDDELAY", "strategy": None},
        {"maxRetryCount": "3"},
        {"maxRetryCount": 3.0},
        {"strategy": 1},
        {"delayInterval": "0:0:1"},
    ],
)
def test_names_and_values_are_read_as_by_dot_net(properties: dict[str, object]) -> None:
    policy = {name: value for name, value in fixed(**properties).items() if value is not None}
    assert FunctionRetry.parse(policy) == FunctionRetry(3, SECOND, SECOND)


def test_the_default_strategy_is_exponential_backoff() -> None:
    policy = exponential()
    del policy["strategy"]
    assert FunctionRetry.parse(policy) == FunctionRetry(9, SECOND, 5 * SECOND)


@pytest.mark.parametrize(
    ("policy", "key", "words"),
    [
        ("fixedDelay", "", "must be an object"),
        (fixed(strategy="fixed_delay"), "strategy", "Did you mean 'fixedDelay'?"),
        (fixed(strategy=2), "strategy", "Write 'fixedDelay'"),
        (fixed(maxRetryCount=None), "maxRetryCount", "has no 'maxRetryCount'"),
        (fixed(maxRetryCount=-2), "maxRetryCount", "-2 is not a valid"),
        (fixed(maxRetryCount="many"), "maxRetryCount", "'many' is not a valid"),
        (fixed(maxRetryCount=True), "maxRetryCount", "True is not a valid"),
        (fixed(maxRetryCount=2**31), "maxRetryCount", "is not a valid"),
        (fixed(delayInterval=None), "delayInterval", "has no 'delayInterval'"),
        (fixed(delayInterval="-00:00:01"), "delayInterval", "is not a time span"),
        (fixed(delayInterval=5), "delayInterval", "is not a time span"),
        (exponential(minimumInterval=None), "minimumInterval", "has no 'minimumInterval'"),
        (exponential(maximumInterval="x"), "maximumInterval", "is not a time span"),
        (exponential(minimumInterval="00:01:00"), "minimumInterval", "must not be greater"),
    ],
)
def test_an_invalid_policy_is_refused(policy: object, key: str, words: str) -> None:
    with pytest.raises(RetryPolicyError) as refused:
        FunctionRetry.parse(policy)
    assert refused.value.key == key
    assert words in str(refused.value)
