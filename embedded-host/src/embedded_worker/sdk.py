"""The differences between the versions of azure-functions and azure-functions-durable.

No other module of the worker depends on the version of the SDK.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

from azure.durable_functions import Entity, Orchestrator
from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from embedded_worker.user_function import UserFunction

OUT_OF_PROC_LABEL = "$OutOfProcData$:"
"""The label before an orchestrator's state in the message of the exception that the SDK raises."""
_CLIENT_DECORATORS = "azure.durable_functions.decorators.durable_app"
_HOOKS = (
    (TaskOrchestrationExecutor, ("initialize", "execute", "process_event", "set_task_value")),
    (TaskOrchestrationExecutor, ("resume_user_code",)),
    (TaskOrchestrationExecutor, ("get_orchestrator_state_str", "has_execution_completed")),
    (DurableOrchestrationContext, ("_generate_task", "_add_to_open_tasks", "_add_to_actions")),
)
HAS_SESSION_HOOKS = all(hasattr(owner, name) for owner, names in _HOOKS for name in names)
"""True if the SDK has the private methods that ``orchestrator_sessions`` overrides and calls.

Without them, the orchestrator's handle replays the history from its start in each turn.
"""


def orchestrator_of(call: UserFunction) -> Callable[[object], object] | None:
    """Return the user's function if ``call`` is the result of ``df.Orchestrator.create``, or None.

    None is also the result for a function that calls such a handle, for example a decorated one:
    the decorator's code must run in each turn.
    """
    function: Callable[[object], object] | None = _handled_by(call, Orchestrator)
    return function


def entity_of(call: UserFunction) -> UserFunction | None:
    """Return the user's function if ``call`` is the result of ``df.Entity.create``, or None."""
    return _handled_by(call, Entity)


def user_code(call: UserFunction) -> UserFunction:
    """Return the function that the user wrote, without the SDK's wrapper and without decorators."""
    unwrapped: UserFunction = inspect.unwrap(getattr(call, "client_function", call))
    return orchestrator_of(unwrapped) or entity_of(unwrapped) or unwrapped


def passes_client(call: UserFunction) -> bool:
    """Return True if ``call`` comes from ``durable_client_input``, which passes a client object.

    ``call`` itself takes a string. Before 1.7, its annotation is that of the user's function on
    Python 3.14 and newer.
    """
    return _module_of(call) == _CLIENT_DECORATORS


def with_error(message: str, cause: BaseException) -> str:
    """Return the message of a failed orchestrator with an error in its state.

    Before 1.3.0, the SDK leaves the error empty if the exception ``cause`` has no text. The
    instance would then wait forever. Later versions state the class of the exception.
    """
    text, label, state = message.partition(OUT_OF_PROC_LABEL)
    if text.strip():
        return message
    try:
        document = json.loads(state)
    except ValueError:  # the user's exception contains the label
        return message
    if not isinstance(document, dict) or document.get("error"):
        return message
    return text + label + json.dumps({**document, "error": str(type(cause))})


def _handled_by(call: UserFunction, creator: type) -> UserFunction | None:
    """Return the function that ``call`` runs if it is a handle of ``creator``, or None.

    All versions have it in the closure of the handle. ``functools.wraps`` copies the attributes
    ``__module__`` and ``orchestrator_function`` to a decorated handle, but not the globals and the
    closure.
    """
    if _module_of(call) != creator.__module__:
        return None
    names = getattr(getattr(call, "__code__", None), "co_freevars", ())
    cells = getattr(call, "__closure__", None) or ()
    return next((cell.cell_contents for name, cell in zip(names, cells) if name == "fn"), None)


def _module_of(call: UserFunction) -> object:
    """Return the name of the module that contains the code of ``call``."""
    return getattr(call, "__globals__", {}).get("__name__")
