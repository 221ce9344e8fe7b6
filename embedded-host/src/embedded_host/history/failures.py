"""The texts and the tracebacks of failures."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, DecodeError, Struct, ValidationError
from msgspec.json import decode

from embedded_host.engine.events import (
    EventRaised,
    ExecutionCompleted,
    FailureDetails,
    HistoryEvent,
)


def failure_text(failure: FailureDetails) -> str:
    """Return the class and the message of the exception, as Python prints them."""
    return ": ".join(filter(None, (failure.error_type, failure.error_message)))


def failure_traceback(failure: FailureDetails) -> str:
    """Return the failure as Python prints an exception, with its traceback if there is one.

    Causes are omitted. The stack trace of an orchestrator has no heading and no message, and the
    stack trace of an activity has both.
    """
    stack = (failure.stack_trace or "").rstrip()
    text = failure_text(failure).removeprefix("builtins.")
    if not stack:
        return text
    if stack.startswith("Traceback"):
        return stack
    return f"Traceback (most recent call last):\n{stack}\n{text}"


def failure_trace(failure: FailureDetails) -> str | None:
    """Return the stack traces of a failure and of its causes, or None.

    The failure comes first, and the original cause comes last.
    """
    parts = [failure.stack_trace or ""]
    inner = failure.inner_failure
    while inner is not None:
        parts.append(f"Caused by {failure_text(inner)}\n{inner.stack_trace or ''}")
        inner = inner.inner_failure
    return "\n\n".join(stripped for part in parts if (stripped := part.strip())) or None


def execution_traceback(events: Sequence[HistoryEvent]) -> str | None:
    """Return the traceback of the failure that has ended an execution, or None.

    With SDK 2.x, it includes the tracebacks of the causes.
    """
    ended = next((e for e in reversed(events) if isinstance(e, ExecutionCompleted)), None)
    if ended is None:
        return None
    failures: list[FailureDetails] = []
    failure = ended.failure_details
    while failure is not None:
        failures.append(failure)
        failure = failure.inner_failure
    if any(failure.stack_trace for failure in failures):
        return "\n\nCaused by:\n".join(map(failure_traceback, failures))
    return None if ended.stack is UNSET else ended.stack.strip()


class _Response(Struct, rename="camel"):
    failure_details: FailureDetails | None = None


def response_failure(raised: EventRaised) -> FailureDetails | None:
    """Return the failure in an entity's response of SDK 2.x, or None."""
    try:
        return decode(raised.input or "null", type=_Response).failure_details
    except (ValidationError, DecodeError, UnicodeEncodeError):
        return None
