"""Errors of user code, and the messages of failures in the Functions host's words (functions-host.md#errors)."""

from __future__ import annotations

from dataclasses import dataclass

OUT_OF_PROC_LABEL = "\n\n$OutOfProcData$:"


@dataclass(frozen=True)
class UserError:
    """An exception in user code, as a worker reports it."""

    type: str
    """The exception's class name."""
    message: str
    stack: str = ""
    """The Python traceback, the user's own frames last."""

    @property
    def text(self) -> str:
        return f"{self.type}: {self.message}"


def activity_reason(name: str, error: UserError) -> str:
    """Return TaskFailed.Reason in the Functions host's recorded form (extension 3.19.0 writes one space after the colon)."""
    return f"Activity function '{name}' failed: {error.text}"


def orchestrator_failed(name: str, error: str) -> str:
    return f"Orchestrator function '{name}' failed: {error}"


def parent_details(error: str, stack: str = "") -> str:
    """SubOrchestrationInstanceFailed.Details (recorded: ``Message: …, StackTrace: …``)."""
    return f"Message: {error}, StackTrace: {stack}"
