"""The failure details in the JSON of SDK 2.x, and their conversion to history events."""

from __future__ import annotations

from msgspec import Struct, field

from embedded_host.engine import events


class FailureDetails(Struct, rename="camel"):
    """``TaskFailureDetails``."""

    error_type: str = ""
    error_message: str = ""
    stack_trace: str | None = None
    inner_failure: FailureDetails | None = None
    is_non_retriable: bool = False
    properties: dict[str, object] = field(default_factory=dict)


def recorded_failure(failure: FailureDetails) -> events.FailureDetails:
    """Return the failure as a history event records it."""
    inner = failure.inner_failure
    return events.FailureDetails(
        error_type=failure.error_type,
        error_message=failure.error_message,
        stack_trace=failure.stack_trace,
        inner_failure=None if inner is None else recorded_failure(inner),
        is_non_retriable=failure.is_non_retriable,
        properties=failure.properties,
    )
