"""Tests of ``retry`` of host.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.errors import HostJsonError
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.app.host_json import read_host_json

FIXED = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}


def read(tmp_path: Path, policy: Any) -> FunctionRetry | None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "retry": policy}))
    return read_host_json(tmp_path, {})[0].retry


@pytest.mark.parametrize(
    "policy",
    [
        FIXED,
        {"Strategy": "FixedDelay", "MAXRETRYCOUNT": "2", "delayinterval": " 00:00:01 "},
        {"strategy": 1, "maxRetryCount": 2.0, "delayInterval": "0:0:1"},
    ],
)
def test_the_values_may_be_texts_or_numbers_in_any_case(tmp_path: Path, policy: Any) -> None:
    assert read(tmp_path, policy) == FunctionRetry.parse(FIXED)


def test_the_default_strategy_is_exponential_backoff(tmp_path: Path) -> None:
    intervals = {"minimumInterval": "00:00:01", "maximumInterval": "00:00:05"}
    expected = {"strategy": "exponentialBackoff", "maxRetryCount": -1, **intervals}
    assert read(tmp_path, {"maxRetryCount": -1, **intervals}) == FunctionRetry.parse(expected)


@pytest.mark.parametrize("policy", [None, {}, [], "fixedDelay", 3])
def test_an_empty_section_has_no_effect(tmp_path: Path, policy: Any) -> None:
    assert read(tmp_path, policy) is None


@pytest.mark.parametrize(
    ("policy", "here", "on_azure"),
    [
        (
            {"maxRetries": 1},
            "host.json:1:29: retry: The retry policy has no 'maxRetryCount'.",
            "Value cannot be null. (Parameter 'MaxRetryCount')",
        ),
        (["x"], "retry: The retry policy has no 'maxRetryCount'.", "(Parameter 'MaxRetryCount')"),
        (
            {**FIXED, "delayInterval": None},
            "The retry policy has no 'delayInterval'.",
            "Value cannot be null. (Parameter 'DelayInterval')",
        ),
        (
            {"maxRetryCount": 1, "minimumInterval": "00:00:01"},
            "The retry policy has no 'maximumInterval'.",
            "(Parameter 'MaximumInterval')",
        ),
        (
            {**FIXED, "maxRetryCount": -2},
            "retry.maxRetryCount is -2:",
            "out of the range of valid values. (Parameter 'maxRetryCount')",
        ),
        (
            {**FIXED, "maxRetryCount": 1.5},
            "retry.maxRetryCount is 1.5:",
            "'AzureFunctionsJobHost:retry:maxRetryCount' to type 'System.Int32'.",
        ),
        (
            {**FIXED, "strategy": "fixdDelay"},
            "Did you mean 'fixedDelay'?",
            "'AzureFunctionsJobHost:retry:strategy' to type "
            "'Microsoft.Azure.WebJobs.Script.Description.RetryStrategy'.",
        ),
        (
            {**FIXED, "delayInterval": "soon"},
            "retry.delayInterval is 'soon':",
            "'AzureFunctionsJobHost:retry:delayInterval' to type 'System.TimeSpan'.",
        ),
        (
            {"maxRetryCount": 1, "minimumInterval": "00:00:09", "maximumInterval": "00:00:01"},
            "must not be greater than 'maximumInterval'.",
            "The minimumInterval must not be greater than the maximumInterval.",
        ),
    ],
)
def test_an_invalid_policy_puts_the_host_in_error(
    tmp_path: Path, policy: Any, here: str, on_azure: str
) -> None:
    with pytest.raises(HostJsonError) as raised:
        read(tmp_path, policy)
    (problem,) = raised.value.problems
    assert here in str(problem)
    assert on_azure in problem.on_azure
    assert (problem.fatal, problem.code) == (True, "EH120")
