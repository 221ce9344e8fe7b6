"""Reads the retry policy that ``@app.retry`` declares.

The checks and the texts of their exceptions are those of the Azure Functions host's Python worker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

_SETTING = "retry_policy"
_STRATEGIES = {"fixed_delay": "fixedDelay", "exponential_backoff": "exponentialBackoff"}
"""The strategies of function.json by their names in the decorator."""


class IndexedFunction(Protocol):
    """The part of ``azure.functions.decorators.function_app.Function`` that has the settings."""

    def get_settings_dict(self, setting_name: str) -> Mapping[str, object] | None:
        """Return the setting with this name, or None."""


def retry_settings(function: IndexedFunction) -> dict[str, object]:
    """Return the policy with the names of function.json, or an empty dictionary without a policy.

    The host checks the values. Raises TypeError or ValueError if the worker cannot read the policy:
    the Azure Functions host then finds no function of the app.
    """
    # Versions of azure-functions without @app.retry do not have the method.
    read = getattr(function, "get_settings_dict", None)
    policy = read(_SETTING) if read is not None else None
    if not policy:
        return {}
    strategy = policy.get("strategy")
    count = int(policy.get("max_retry_count"))
    if not -(2**31) <= count < 2**31:
        raise ValueError(f"Value out of range: {count}")
    names = (
        {"delay_interval": "delayInterval"}
        if strategy == "fixed_delay"
        else {"minimum_interval": "minimumInterval", "maximum_interval": "maximumInterval"}
    )
    intervals = {key: _interval(policy.get(name)) for name, key in names.items()}
    if strategy not in _STRATEGIES:
        raise ValueError(f'unknown enum label "{strategy}"')
    return {"strategy": _STRATEGIES[strategy], "maxRetryCount": count, **intervals}


def _interval(text: str) -> str:
    """Return an interval as ``HH:MM:SS``. Raises TypeError or ValueError for any other format."""
    time.strptime(text, "%H:%M:%S")
    return text
