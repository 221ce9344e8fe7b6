"""The kinds of findings of the parameters and annotations of functions.

``embedded_worker/annotations.py`` detects them. Source: the recordings of the Azure Functions host,
version 4.1037 with the Python worker 4.34 (docs/reference/known-differences.md#signatures).
"""

from __future__ import annotations

from embedded_host.parity.kinds import Kind

_REFUSED = "An app with decorators has no functions at all then."

PARAMETER = Kind(
    "EH811",
    "the function {function} is not loaded, because the annotation of a parameter does not match "
    "the parameter's binding",
    _REFUSED,
)
RETURN = Kind(
    "EH812",
    "the function {function} is not loaded, because its return annotation does not match the "
    "binding $return",
    _REFUSED,
)
CONTEXT = Kind(
    "EH813",
    "the function {function} is not loaded, because the annotation of its parameter 'context' is "
    "not the class of the context",
    _REFUSED,
)
NAMES = Kind(
    "EH814",
    "the function {function} is not loaded, because its parameters and its bindings have different "
    "names",
    _REFUSED,
)
UNRESOLVED = Kind(
    "EH815",
    "the function {function} is not loaded, because one of its annotations cannot be evaluated",
    _REFUSED,
)
DIRECTION = Kind(
    "EH816",
    "the function {function} is not loaded, because the direction of a binding does not match the "
    "function",
    _REFUSED,
)
STRING_REQUEST = Kind(
    "EH817",
    "each call of the function {function} fails, because its request is annotated with str or "
    "bytes",
    "The request of an HTTP function is a func.HttpRequest.",
)
NOT_A_FUNCTION = Kind(
    "EH818",
    "{function} is not loaded, because it is a callable object and not a function",
    _REFUSED,
)
