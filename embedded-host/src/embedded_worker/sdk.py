"""The differences between the versions of azure-functions and azure-functions-durable.

No other module of the worker depends on the version of the SDK.
"""

from __future__ import annotations

from collections.abc import Callable

from azure.durable_functions import Entity, Orchestrator
from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.user_function import UserFunction

_HOOKS = (
    (TaskOrchestrationExecutor, ("initialize", "execute", "process_event", "set_task_value")),
    (TaskOrchestrationExecutor, ("get_orchestrator_state_str", "has_execution_completed")),
    (DurableOrchestrationContext, ("_generate_task", "_add_to_open_tasks")),
)
HAS_SESSION_HOOKS = all(hasattr(owner, name) for owner, names in _HOOKS for name in names)
"""True if the SDK has the private methods that ``orchestrator_sessions`` overrides and calls.

Without them, the orchestrator's handle replays the history from its start in each turn.
"""


def orchestrator_of(call: UserFunction) -> Callable[[object], object] | None:
    """Return the user's function if ``call`` comes from ``df.Orchestrator.create``, or None."""
    function: Callable[[object], object] | None = _wrapped(
        call, "orchestrator_function", Orchestrator
    )
    return function


def entity_of(call: UserFunction) -> UserFunction | None:
    """Return the user's function if ``call`` comes from ``df.Entity.create``, or None."""
    return _wrapped(call, "entity_function", Entity)


def user_code(call: UserFunction) -> UserFunction:
    """Return the function that the user wrote, without the SDK's wrapper."""
    return (
        orchestrator_of(call)
        or entity_of(call)
        or getattr(call, "client_function", None)
        or getattr(call, "__wrapped__", None)
        or call
    )


def _wrapped(call: UserFunction, attribute: str, creator: type) -> UserFunction | None:
    """Return the function in ``attribute``, or in the closure of the handle of ``creator``.

    The attribute exists since azure-functions-durable 1.3.0.
    """
    function: UserFunction | None = getattr(call, attribute, None)
    if function is not None or getattr(call, "__module__", None) != creator.__module__:
        return function
    names = getattr(getattr(call, "__code__", None), "co_freevars", ())
    cells = getattr(call, "__closure__", None) or ()
    return next((cell.cell_contents for name, cell in zip(names, cells) if name == "fn"), None)
