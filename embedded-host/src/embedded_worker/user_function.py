"""The type of the app's functions: the host knows their names and bindings, and nothing of their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing import TypeGuard  # Python 3.9 has none


class UserFunction(Protocol):
    """A function of the app, or a method of an extension. It takes and returns values of any type."""

    def __call__(self, *arguments: Any, **named: Any) -> object:
        """Call the user's code."""


class OrchestratorHandle(UserFunction, Protocol):
    """The callable that ``df.Orchestrator.create`` returns."""

    orchestrator_function: Callable[[object], object]


def is_orchestrator_handle(call: UserFunction) -> TypeGuard[OrchestratorHandle]:
    """Return True if ``call`` comes from ``df.Orchestrator.create``."""
    return hasattr(call, "orchestrator_function")
