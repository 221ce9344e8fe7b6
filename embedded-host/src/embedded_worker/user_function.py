"""The types of functions that users write. Their parameters and results have any type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing import TypeGuard  # not available in Python 3.9


class UserFunction(Protocol):
    """A function of the app, or a method of an extension."""

    def __call__(self, *arguments: Any, **named: Any) -> object:
        """Call the user's code."""


class OrchestratorHandle(UserFunction, Protocol):
    """The callable that ``df.Orchestrator.create`` returns."""

    orchestrator_function: Callable[[object], object]


def is_orchestrator_handle(call: UserFunction) -> TypeGuard[OrchestratorHandle]:
    """Return True if ``call`` comes from ``df.Orchestrator.create``."""
    return hasattr(call, "orchestrator_function")
