"""The conversion of failure details of SDK 2.x."""

from __future__ import annotations

from embedded_host.engine import events
from embedded_host.protocols.v2.failures import FailureDetails, recorded_failure


def test_a_failure_is_recorded_with_its_cause() -> None:
    cause = FailureDetails("KeyError", "'k'", is_non_retriable=True)
    failure = FailureDetails("ValueError", "boom", "<stack>", cause, properties={"code": 7.0})
    assert recorded_failure(failure) == events.FailureDetails(
        error_type="ValueError",
        error_message="boom",
        stack_trace="<stack>",
        inner_failure=events.FailureDetails(
            error_type="KeyError", error_message="'k'", is_non_retriable=True, properties={}
        ),
        properties={"code": 7.0},
    )
