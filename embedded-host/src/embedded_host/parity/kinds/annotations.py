"""The kinds of findings of the parameters and annotations of functions.

``embedded_worker/annotations.py`` detects them. Source: the recordings of the Azure Functions host,
version 4.1037 with the Python worker 4.34 (docs/reference/functions-host.md).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

_FAILS = (
    "each call of the function {function} fails, and an app with decorators has no functions at "
    "all, because "
)

PARAMETER = Kind(
    "EH811",
    _FAILS + "the annotation of a parameter does not match its binding",
    "An activity accepts a class or a generic type of the module typing, such as Dict[str, int]. "
    "Any other trigger accepts its own class.",
)
RETURN = Kind(
    "EH812",
    _FAILS + "the return annotation does not match the binding $return",
    "An HTTP function may have the return annotation func.HttpResponse or str.",
)
CONTEXT = Kind(
    "EH813",
    _FAILS + "the annotation of the parameter 'context' is not a class named Context",
    "Annotate the parameter with func.Context.",
)
NAMES = Kind(
    "EH814",
    _FAILS + "the names of its parameters differ from the names of its bindings",
    "Give each parameter a binding of the same name.",
)
UNRESOLVED = Kind(
    "EH815",
    _FAILS + "an annotation cannot be evaluated",
    "Use only names that the module of the function contains at runtime.",
)
DIRECTION = Kind(
    "EH816",
    _FAILS + "the direction of a binding is not valid or does not match an annotation",
    "Annotate outputs with func.Out, and no inputs.",
)
STRING_REQUEST = Kind(
    "EH817",
    "each call of the function {function} fails, because its request is annotated with str or "
    "bytes",
    "The request of an HTTP function is a func.HttpRequest.",
)
NOT_A_FUNCTION = Kind(
    "EH818",
    _FAILS + "it is a callable object, such as a functools.partial",
    "Write a function that calls the object.",
)
TYPE_CASE = Kind(
    "EH819",
    "the type of a binding of the function {function} is unknown to the Python worker, because its "
    "case differs from the documented type: an HTTP function and an orchestrator fail, and another "
    "function receives the trigger's value as text",
    "Write the type in its documented case.",
)
