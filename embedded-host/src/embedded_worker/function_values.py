"""Converts a trigger's value to arguments, and a function's return value to a result.

The conversions are those of the Azure Functions host's Python worker.
"""

from __future__ import annotations

from collections.abc import Callable

from azure.functions import meta

from embedded_worker.converters import check_http_output, converter_for
from embedded_worker.function_context import Context, Out
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.imported_app import DURABLE_TRIGGERS
from embedded_worker.loading import LoadedFunction
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.protocol import (
    FindingData,
    HttpRequestData,
    HttpResponseData,
    InvocationRequest,
)
from embedded_worker.sdk import USES_DURABLETASK

_STRING_REQUEST = (
    "unexpected type of data received for the \"generic\" binding : 'http'. The request is "
    "annotated with str or bytes. Annotate it with func.HttpRequest"
)
"""The error of a request that is annotated with str or bytes. Its start is the worker's message."""


def arguments_of(
    function: LoadedFunction,
    invoke: InvocationRequest,
    context_of: Callable[[LoadedFunction, InvocationRequest], Context],
) -> tuple[dict[str, object], dict[str, Out]]:
    """Return the arguments of a call, and the output parameters among them.

    ``context_of`` returns the value of a ``context`` parameter.
    """
    trigger = function.trigger
    converter = converter_for(trigger.type)
    value = invoke.trigger
    if isinstance(value, HttpRequestData):
        if function.takes_string:
            raise ValueError(_STRING_REQUEST)
        datum = request_datum(value)
    else:
        datum = meta.Datum(value, "json" if trigger.type.lower() == "timertrigger" else "string")
    decoded = value if function.takes_string else converter.decode(datum, trigger_metadata={})
    arguments: dict[str, object] = {trigger.name: decoded}
    for name in function.clients:
        arguments[name] = invoke.client
    outputs = {name: Out() for name in function.outs}
    arguments.update(outputs)
    if function.wants_context:
        arguments["context"] = context_of(function, invoke)
    return arguments, outputs


def output_of(
    function: LoadedFunction,
    returned: object,
    outputs: dict[str, Out],
    report: Callable[[FindingData], None],
) -> HttpResponseData | str | None:
    """Return the result of a call that has returned ``returned``. ``report`` gets the findings.

    Raises UnusableValueError if the value cannot be converted, and RuntimeError if the function has
    no ``$return`` binding for it.
    """
    kind = function.trigger.type.lower()
    if kind == "httptrigger":
        return _response(function, returned, outputs, report)
    if kind in DURABLE_TRIGGERS:  # the SDK returns JSON
        return None if returned is None else str(returned)
    converter = converter_for(function.trigger.type)
    if not converter.has_implicit_output():
        _check_unused(function, returned)
        return None
    try:
        datum = converter.encode(returned, expected_type=None)
    except (TypeError, ValueError) as error:
        if USES_DURABLETASK:  # the SDK records the error in the history
            raise UnusableValueError(str(error), type(error).__name__) from None
        raise UnusableValueError(
            f"{error}. The return value of function '{function.spec.name}', a "
            f"{type(returned).__name__}, cannot be converted to JSON: "
            f"{error.__cause__ or error}. Return plain values, or add to_json and "
            "from_json to the class.",
            type(error).__name__,
        ) from None
    value = datum.value
    return value if value is None or isinstance(value, str) else str(value)


def _response(
    function: LoadedFunction,
    returned: object,
    outputs: dict[str, Out],
    report: Callable[[FindingData], None],
) -> HttpResponseData:
    """Return the response: of the named http output, or of the return value."""
    _check_unused(function, returned)
    response = None
    name = function.spec.name
    for output, kind in function.outs.items():
        value = outputs[output].get() if kind.lower() == "http" else None
        if value is not None:
            check_http_output(kind, value)
            response = response_data(value, name, report)
    if function.return_type is not None:
        check_http_output(function.return_type, returned)
        response = response_data(returned, name, report)
    return HttpResponseData(204, [], b"") if response is None else response


def _check_unused(function: LoadedFunction, returned: object) -> None:
    """Raise RuntimeError if a function without a ``$return`` binding has returned a value.

    The message begins with that of the Azure Functions host's Python worker.
    """
    if returned is not None and function.return_type is None:
        raise RuntimeError(
            f"function '{function.spec.name}' without a $return bindingreturned a non-None value. "
            "Add an output binding with the name $return, or return nothing."
        )
