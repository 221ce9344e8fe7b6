"""The texts of failure, as the real host words them (contract, 4.5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

OUT_OF_PROC_LABEL = "\n\n$OutOfProcData$:"


@dataclass(frozen=True)
class UserError:
    """An exception in user code, as a worker reports it."""

    type: str
    """The exception's class name."""
    message: str
    stack: str = ""
    """The Python traceback, the user's own frames last."""
    counts: tuple[int, ...] | None = None
    """Of an orchestrator's turn: as ``actions.TurnAnswer.counts``."""
    known: int = 0
    """Likewise."""

    @property
    def text(self) -> str:
        return f"{self.type}: {self.message}"


def activity_reason(name: str, error: UserError) -> str:
    """Return TaskFailed.Reason in the Functions host's recorded form (extension 3.19.0 writes one space after the colon)."""
    return f"Activity function '{name}' failed: {error.text.split(OUT_OF_PROC_LABEL)[0]}"


def orchestrator_failed(name: str, error: str) -> str:
    return f"Orchestrator function '{name}' failed: {error}"


def parent_details(error: str, stack: str = "") -> str:
    """SubOrchestrationInstanceFailed.Details (recorded: ``Message: …, StackTrace: …``)."""
    return f"Message: {error}, StackTrace: {stack}"


def out_of_proc_state(error: UserError) -> dict[str, Any] | None:
    """The answer that the SDK hid in the exception's text, or None if there is none."""
    _, label, state = error.message.partition(OUT_OF_PROC_LABEL)
    if not label:
        return None
    try:
        parsed = json.loads(state)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None
