"""Errors of user code, and failure messages with the wording of the Azure Functions host.

Source: functions-host.md#errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from embedded_host.engine import history as h
from embedded_host.engine.events import (
    FailureDetails,
    SubOrchestrationInstanceFailed,
    TaskFailed,
)
from embedded_host.engine.sdk_protocols import SDK_1X

_ERROR_TYPE = re.compile(r"([A-Za-z_][\w.]*): ")
"""The class name of an exception, before its message."""


@dataclass(frozen=True)
class UserError:
    """An exception in user code, as a worker reports it."""

    type: str
    """The exception's class name."""
    message: str
    stack: str = ""
    """The Python traceback. The frames of the user's code are the last ones."""
    details: FailureDetails | None = None
    """The details that a worker of durabletask reports, or None."""

    @property
    def text(self) -> str:
        """The class name, if there is one, and the message, as Python prints them."""
        return f"{self.type}: {self.message}" if self.type else self.message


def activity_reason(name: str, error: UserError) -> str:
    """Return TaskFailed.Reason with the wording of extension 3.19.0."""
    return f"Activity function '{name}' failed: {error.text}"


def orchestrator_failed(name: str, error: str) -> str:
    """Return the output of a failed orchestration, in the recorded wording."""
    return f"Orchestrator function '{name}' failed: {error}"


def parent_details(error: str, stack: str = "") -> str:
    """Return SubOrchestrationInstanceFailed.Details, in the recorded wording."""
    return f"Message: {error}, StackTrace: {stack}"


def child_failed(
    now: datetime,
    task_id: int,
    output: str,
    error: str,
    failure: FailureDetails | None,
    stack: str = "",
) -> SubOrchestrationInstanceFailed:
    """Return the event of a failed sub-orchestration.

    ``output`` is the output of the failed instance, and ``error`` is the message. With ``failure``
    (SDK 2.x), the event has neither of them (recorded).
    """
    if failure is not None:
        return h.sub_orchestration_failed(now, task_id, None, None, failure)
    return h.sub_orchestration_failed(now, task_id, output, parent_details(error, stack))


def failure_of(error: UserError) -> FailureDetails:
    """Return the failure details of an exception, for SDK 2.x."""
    return error.details or FailureDetails(
        error_type=error.type, error_message=error.message, stack_trace=error.stack or None
    )


def operation_failure(message: str, type: str = "", stack: str = "") -> FailureDetails:
    """Return the failure details of an operation of an entity, for the response to a call.

    Without ``type``, the type is the class name at the start of ``message``.
    """
    if not type and (prefix := _ERROR_TYPE.match(message)):
        type, message = prefix[1], message[prefix.end() :]
    return FailureDetails(
        error_type=type or "Exception",
        error_message=message,
        stack_trace=stack or None,
        properties={},
    )


def activity_failed(
    now: datetime, task_id: int, name: str, error: UserError, protocol: int
) -> TaskFailed:
    """Return the event of a failed activity, with the wording of extension 3.19.0.

    Source: functions-host.md#errors, and the recordings of SDK 2.x
    (tests/conformance/golden-2x.json).
    """
    if protocol == SDK_1X:
        return h.task_failed(now, task_id, activity_reason(name, error), error.stack)
    reason = f"Function '{name}' failed with an unhandled exception."
    return h.task_failed(now, task_id, reason, None, failure_of(error))
