"""The differences between the versions of azure-functions and azure-functions-durable.

No other module of the worker depends on the version of the SDK.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import re

import azure.durable_functions

from embedded_worker.exception_text import message_of
from embedded_worker.user_function import UserFunction

USES_DURABLETASK = importlib.util.find_spec("azure.durable_functions.models") is None
"""True if the app has SDK 2.x, which is based on the package durabletask."""
_NAMES_OF_2X = (
    "DurableFunctionsClient",
    "DurableHttpRequest",
    "DurableHttpResponse",
    "DurableOrchestrationStatus",
    "EntityStateResponse",
    "PurgeHistoryResult",
    "RetryPolicy",
    "SyncDurableFunctionsClient",
    "TokenSource",
)
"""The names in ``azure.durable_functions`` that SDK 2.x has and 1.x does not have."""
_MISSING_NAME = re.compile(
    r"module 'azure\.durable_functions' has no attribute '(\w+)'"
    r"|cannot import name '(\w+)' from 'azure\.durable_functions'"
)
OUT_OF_PROC_LABEL = "$OutOfProcData$:"
"""The label before an orchestrator's state in the message of the exception that SDK 1.x raises."""
_CLIENT_DECORATORS = "azure.durable_functions.decorators.durable_app"
_HANDLES_2X = (
    "azure.durable_functions.internal.invocation",
    "azure.durable_functions.decorators.durable_app",
    "azure.durable_functions.orchestrator",
)
"""The modules of SDK 2.x that define handles."""
_SDK_PACKAGES = ("azure.durable_functions.", "durabletask.")


def orchestrator_of(call: UserFunction) -> UserFunction | None:
    """Return the user's function if ``call`` is the SDK's handle of an orchestrator, or None.

    The result is also None for a function that calls such a handle, for example a decorated handle,
    because the decorator's code must run in each turn.
    """
    return _handled_by(call, "Orchestrator", "orchestrator_function")


def entity_of(call: UserFunction) -> UserFunction | None:
    """Return the user's function or class if ``call`` is the SDK's handle of an entity, or None."""
    return _handled_by(call, "Entity", "entity_function")


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


def has_empty_error(error: BaseException) -> bool:
    """Return True if SDK 1.x leaves the error in an orchestrator's state empty.

    ``error`` is the exception that the SDK has raised. See ``with_error``.
    """
    if error.__cause__ is None:
        return False
    try:
        message = str(error)
    except BaseException:  # raised by the user's __str__
        return False
    return OUT_OF_PROC_LABEL in message and with_error(message, error.__cause__) != message


def is_code_for_2x(error: BaseException) -> bool:
    """Return True if the app's code needs SDK 2.x, but the app has 1.x.

    ``error`` is the exception that the import of the code has raised.
    """
    if USES_DURABLETASK:
        return False
    if isinstance(error, ModuleNotFoundError):
        return (error.name or "").split(".")[0] == "durabletask"
    found = _MISSING_NAME.match(message_of(error))
    return found is not None and (found[1] or found[2]) in _NAMES_OF_2X


def is_sdk_module(name: object) -> bool:
    """Return True if ``name`` is the name of a module of the SDK."""
    return isinstance(name, str) and f"{name}.".startswith(_SDK_PACKAGES)


def _handled_by(call: UserFunction, creator: str, attribute: str) -> UserFunction | None:
    """Return the function that ``call`` runs if it is a handle of the class ``creator``, or None.

    In SDK 1.x, the function is in the closure of the handle. In SDK 2.x, it is in an attribute.
    ``functools.wraps`` copies the attributes to a decorated handle, but not its globals and
    closure.
    """
    module = _module_of(call)
    if USES_DURABLETASK:
        return getattr(call, attribute, None) if module in _HANDLES_2X else None
    if module != getattr(azure.durable_functions, creator).__module__:
        return None
    names = getattr(getattr(call, "__code__", None), "co_freevars", ())
    cells = getattr(call, "__closure__", None) or ()
    return next((cell.cell_contents for name, cell in zip(names, cells) if name == "fn"), None)


def _module_of(call: UserFunction) -> object:
    """Return the name of the module that contains the code of ``call``."""
    return getattr(call, "__globals__", {}).get("__name__")
