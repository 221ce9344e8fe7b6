"""The retry policies that decorators declare, as the Python worker reads them."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function

from embedded_worker.retry_settings import retry_settings


def declared(**policy: object) -> Function:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    def tick(timer: func.TimerRequest) -> None: ...

    retry: Callable[..., Callable[[object], object]] = app.retry
    if policy:
        retry(**policy)(tick)
    return app.get_functions()[0]


def test_a_function_without_a_policy_has_no_settings() -> None:
    assert retry_settings(declared()) == {}


def test_an_old_sdk_without_retry_has_no_settings() -> None:
    class OldFunction:
        pass

    assert retry_settings(OldFunction()) == {}  # type: ignore[arg-type]


def test_a_fixed_delay_has_the_names_of_function_json() -> None:
    function = declared(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:05")
    assert retry_settings(function) == {
        "strategy": "fixedDelay",
        "maxRetryCount": 3,
        "delayInterval": "00:00:05",
    }


def test_exponential_backoff_has_the_names_of_function_json() -> None:
    function = declared(
        strategy="exponential_backoff",
        max_retry_count="-1",
        minimum_interval="00:00:05",
        maximum_interval="00:15:00",
    )
    assert retry_settings(function) == {
        "strategy": "exponentialBackoff",
        "maxRetryCount": -1,
        "minimumInterval": "00:00:05",
        "maximumInterval": "00:15:00",
    }


@pytest.mark.parametrize(
    ("policy", "error", "words"),
    [
        (
            {"strategy": "fixed_delay", "max_retry_count": "many", "delay_interval": "00:00:05"},
            ValueError,
            "invalid literal for int() with base 10: 'many'",
        ),
        (
            {"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "5"},
            ValueError,
            "time data '5' does not match format '%H:%M:%S'",
        ),
        (
            {"strategy": "fixed_delay", "max_retry_count": "3"},
            TypeError,
            "strptime() argument 0 must be str, not <class 'NoneType'>",
        ),
        (
            {"strategy": "fixed_delay", "max_retry_count": "3000000000", "delay_interval": "0:0:1"},
            ValueError,
            "Value out of range: 3000000000",
        ),
        (
            {
                "strategy": "fixedDelay",
                "max_retry_count": "3",
                "minimum_interval": "00:00:01",
                "maximum_interval": "00:00:02",
            },
            ValueError,
            'unknown enum label "fixedDelay"',
        ),
    ],
)
def test_a_policy_that_the_worker_cannot_read_is_refused_with_its_words(
    policy: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as refused:
        retry_settings(declared(**policy))
    assert words in str(refused.value)
