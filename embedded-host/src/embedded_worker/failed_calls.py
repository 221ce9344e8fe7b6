"""The results and the parity findings of calls that raised an exception."""

from __future__ import annotations

from embedded_worker.imported_app import ImportedApp
from embedded_worker.loading import LoadedFunction, error_position, own_stack
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.process_exit import exit_code_of
from embedded_worker.protocol import ErrorData, FindingData, InvocationResult
from embedded_worker.sdk import OUT_OF_PROC_LABEL, has_empty_error, with_error

UNANSWERED = "EH863"
"""The code of the finding about an exception after which the Functions host never responds."""


def failed_result(
    app: ImportedApp, id: int, function: LoadedFunction, error: BaseException, instance_id: str = ""
) -> InvocationResult:
    """Return the result of a call that raised ``error``."""
    exit_code = exit_code_of(error)
    if exit_code is not None:
        return InvocationResult(id, exit_code=exit_code)
    if not isinstance(error, Exception):
        report_unanswered(app, function, error, instance_id)
    return InvocationResult(id, error=error_data(error))


def report_unanswered(
    app: ImportedApp, function: LoadedFunction, error: BaseException, instance_id: str = ""
) -> None:
    """Report an exception that the worker of the Azure Functions host does not catch."""
    file, line = error_position(error, app.root)
    raised = f"{type(error).__name__} is not a subclass of Exception."
    name = function.spec.name
    app.report(FindingData(UNANSWERED, name, raised, file, line, instance_id))


def report_empty_error(
    app: ImportedApp, error: BaseException, orchestrator: str, instance_id: str = ""
) -> None:
    """Report an exception without a text, which SDK 1.x before 1.3 does not pass on."""
    if has_empty_error(error):
        app.report(FindingData("EH887", orchestrator, instance_id=instance_id))


def error_data(error: BaseException) -> ErrorData:
    """Return the exception's class, its message and the user's part of its traceback.

    The SDK wraps the exception of an orchestrator: the message then contains the orchestrator's
    state, and the user's own exception is the cause.
    """
    try:
        message = str(error)
        if isinstance(error, UnusableValueError):
            return ErrorData(error.shown_type, message)
        cause = error.__cause__ if OUT_OF_PROC_LABEL in message else None
        if cause is None:
            return ErrorData(type(error).__name__, message, own_stack(error))
        return ErrorData(type(error).__name__, with_error(message, cause), own_stack(cause))
    except BaseException as another:  # raised by the user's __str__, or the stack is exhausted
        return ErrorData(
            type(error).__name__, f"its message cannot be read ({type(another).__name__})"
        )
