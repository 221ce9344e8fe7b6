"""The retry policy of a function: ``retry`` in function.json or host.json, or ``@app.retry``.

The rules are those of the Azure Functions host (``RetryOptions``, ``Utility.ValidateRetryOptions``)
and of the WebJobs SDK (``FixedDelayRetryAttribute``, ``ExponentialBackoffRetryAttribute``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from embedded_host.app.suggestion import did_you_mean
from embedded_host.app.time_span import parse_time_span
from embedded_host.errors import EmbeddedHostError

FOREVER = -1
"""The ``maxRetryCount`` of a function that is retried until it succeeds."""
_STRATEGIES = ("exponentialBackoff", "fixedDelay")
"""The strategies in the order of their numbers. The Azure Functions host accepts both."""
_MAX_COUNT = 2**31 - 1


class RetryPolicyError(EmbeddedHostError):
    """A retry policy is invalid. The Azure Functions host does not start the function."""

    def __init__(self, key: str, fault: str, fix: str = "") -> None:
        """Create the error. ``key`` is the faulty property, or an empty string for the policy."""
        super().__init__(f"{fault} {fix}".rstrip())
        self.key, self.fault, self.fix = key, fault, fix


@dataclass(frozen=True)
class FunctionRetry:
    """The retry policy of a function."""

    max_retry_count: int
    """The number of retries after the first run, or ``FOREVER``."""
    minimum: timedelta
    """The delay before the first retry, and before each retry with a fixed delay."""
    maximum: timedelta
    """The longest delay. It is equal to ``minimum`` with a fixed delay."""

    @classmethod
    def parse(cls, policy: object) -> FunctionRetry:
        """Return the policy of the JSON value ``policy``. Raises RetryPolicyError."""
        if not isinstance(policy, Mapping):
            raise RetryPolicyError(
                "",
                "'retry' must be an object.",
                'Write {"strategy": "fixedDelay", "maxRetryCount": 3, '
                '"delayInterval": "00:00:05"}.',
            )
        properties = {str(key).lower(): value for key, value in policy.items()}
        count = _count(properties.get("maxretrycount"))
        if _strategy(properties.get("strategy")) == "fixedDelay":
            delay = _interval(properties, "delayInterval")
            return cls(count, delay, delay)
        minimum = _interval(properties, "minimumInterval")
        maximum = _interval(properties, "maximumInterval")
        if minimum > maximum:
            raise RetryPolicyError(
                "minimumInterval", "'minimumInterval' must not be greater than 'maximumInterval'."
            )
        return cls(count, minimum, maximum)

    def delays(self) -> Iterator[timedelta]:
        """Yield the delay before each retry.

        With exponential backoff, the first delay is the minimum. Delay n is the minimum plus
        2 ** (n - 2) times the minimum, with a random factor from 0.8 to 1.2, and at most the
        maximum.
        """
        retry, delay = 0, self.minimum
        while self.max_retry_count == FOREVER or retry < self.max_retry_count:
            yield delay
            retry += 1
            if delay < self.maximum:
                # A float, because a timedelta has a largest value.
                seconds = self.minimum.total_seconds()
                # The maximum is reached after few retries, unless the minimum is tiny.
                seconds += random.uniform(0.8, 1.2) * 2.0 ** min(retry - 1, 1000) * seconds
                delay = timedelta(seconds=min(seconds, self.maximum.total_seconds()))


def _strategy(value: object) -> str:
    """Return the strategy. Without a strategy, it is exponential backoff."""
    if value is None:
        return _STRATEGIES[0]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_STRATEGIES):
        return _STRATEGIES[value]
    if isinstance(value, str):
        for name in _STRATEGIES:
            if name.lower() == value.lower():
                return name
    raise RetryPolicyError(
        "strategy",
        f"{value!r} is not a retry strategy.",
        (did_you_mean(value, _STRATEGIES) if isinstance(value, str) else "")
        or "Write 'fixedDelay' or 'exponentialBackoff'.",
    )


def _count(value: object) -> int:
    if value is None:
        raise RetryPolicyError(
            "maxRetryCount",
            "The retry policy has no 'maxRetryCount'.",
            "Add the number of retries, or -1 to retry until the function succeeds.",
        )
    count: int | None = None
    if isinstance(value, str):
        digits = value.strip()
        if digits.removeprefix("-").removeprefix("+").isdecimal() and digits.isascii():
            count = int(digits)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        count = round(value) if abs(value) <= _MAX_COUNT else None
    if count is None or not FOREVER <= count <= _MAX_COUNT:
        raise RetryPolicyError(
            "maxRetryCount",
            f"{value!r} is not a valid 'maxRetryCount'.",
            "Write the number of retries, or -1 to retry until the function succeeds.",
        )
    return count


def _interval(properties: Mapping[str, object], name: str) -> timedelta:
    value = properties.get(name.lower())
    if value is None:
        raise RetryPolicyError(
            name, f"The retry policy has no '{name}'.", f'Add "{name}": "00:00:05".'
        )
    interval = parse_time_span(value.strip()) if isinstance(value, str) else None
    if interval is None:
        raise RetryPolicyError(
            name, f"{value!r} is not a time span in '{name}'.", 'Write "hh:mm:ss".'
        )
    return interval
