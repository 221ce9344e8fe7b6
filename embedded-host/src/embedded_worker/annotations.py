"""Checks the parameters and annotations of a function as the Azure Functions host's worker does.

The result depends on the version of Python, because the objects of the module typing differ.

Source: Azure/azure-functions-python-worker 4.34 (functions.py, bindings/meta.py), which runs Python
3.12 and older, and azure-functions-runtime 1.3 and azure-functions-runtime-v1 1.2, which run Python
3.13 and newer.
"""

from __future__ import annotations

import collections.abc
import inspect
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from embedded_worker.converters import Converter, converter_for, find_converter
from embedded_worker.exception_text import exception_text
from embedded_worker.protocol import BindingSpec, FunctionSpec
from embedded_worker.user_function import UserFunction

PARAMETER = "EH811"
"""The annotation of a parameter does not match its binding."""
RETURN = "EH812"
"""The return annotation does not match the binding ``$return``."""
CONTEXT = "EH813"
"""The annotation of the parameter ``context`` is not the class of the context."""
NAMES = "EH814"
"""The parameters and the bindings have different names."""
UNRESOLVED = "EH815"
"""An annotation cannot be evaluated."""
DIRECTION = "EH816"
"""An annotation or the type of a binding does not match the binding's direction."""
STRING_REQUEST = "EH817"
"""The request of an HTTP function is annotated with str or bytes: each call fails."""
NOT_A_FUNCTION = "EH818"
"""The function is a callable object, such as a functools.partial."""
TYPE_CASE = "EH819"
"""The type of a binding differs from a registered type in case."""

_HAS_RUNTIME = sys.version_info >= (3, 13)
"""True if Azure runs this version of Python with the package azure-functions-runtime."""
_EXTENSION = "azurefunctions.extensions.base"
"""The module that the worker imports itself, and the runtime only uses if the app imports it."""
_STREAMING = "azurefunctions.extensions.http.fastapi"
_Alias: type = typing._GenericAlias  # type: ignore[attr-defined]
_SpecialAlias: type = typing._SpecialGenericAlias  # type: ignore[attr-defined]
_DATA_TYPES = ("undefined", "string", "binary", "stream")


class RefusedSignatureError(Exception):
    """The Azure Functions host does not load a function because of its parameters or annotations.

    The message is that of the worker's exception.
    """

    def __init__(
        self, code: str, message: str, parameter: str = "", annotation: object = None
    ) -> None:
        super().__init__(message)
        self.code = code
        """The code of the parity finding."""
        self.parameter = parameter
        """The name of the parameter, ``return``, or an empty string for the whole function."""
        self.annotation = annotation
        """The evaluated annotation of the parameter, or None."""


class StreamingAnnotationError(Exception):
    """A function uses the classes of HTTP streaming, which the Azure Functions host supports."""

    def __init__(self, parameter: str, annotation: object) -> None:
        super().__init__(annotation)
        self.parameter = parameter
        self.name = getattr(annotation, "__name__", str(annotation))


@dataclass(frozen=True)
class Signature:
    """The parameters of a function that the Azure Functions host loads."""

    wants_context: bool
    """True if the function has a parameter for the invocation's context."""
    unconverted: frozenset[str]
    """The parameters that receive the value of their binding without conversion."""


@dataclass(frozen=True)
class _Check:
    """A check of one function."""

    function: str
    is_v2: bool

    def error(
        self, code: str, message: str, parameter: str = "", annotation: object = None
    ) -> RefusedSignatureError:
        return RefusedSignatureError(
            code, f"cannot load the {self.function} function: {message}", parameter, annotation
        )


def check_signature(call: UserFunction, spec: FunctionSpec, *, is_v2: bool = False) -> Signature:
    """Return the signature of ``call``.

    ``is_v2`` is True for a function with decorators, for which the worker has other messages.
    Raises RefusedSignatureError if the Azure Functions host does not load the function, and
    StreamingAnnotationError if only the embedded host does not serve it.
    """
    check = _Check(spec.name, is_v2)
    try:
        parameters = dict(inspect.signature(call).parameters)
        annotations = typing.get_type_hints(call)
        if is_v2:
            inspect.getfile(call)
    except Exception as error:
        is_function = inspect.isfunction(call) or inspect.ismethod(call) or inspect.isclass(call)
        code = UNRESOLVED if is_function else NOT_A_FUNCTION
        raise RefusedSignatureError(code, exception_text(error)) from error
    bindings = _bindings(check, spec)
    returned = bindings.pop("$return", None)
    wants_context = "context" in parameters and "context" not in bindings
    if wants_context:
        del parameters["context"]
        _check_context(check, annotations)
    _check_names(check, parameters, bindings)
    unconverted = set()
    for name in parameters:
        if name in annotations:
            try:
                is_unconverted = _check_parameter(check, bindings[name], annotations[name])
            except (AttributeError, TypeError) as error:
                annotation = annotations[name]
                raise RefusedSignatureError(
                    PARAMETER, exception_text(error), name, annotation
                ) from error
            if is_unconverted:
                unconverted.add(name)
    if returned is not None and "return" in annotations:
        try:
            _check_return(check, returned.type, annotations["return"])
        except (AttributeError, TypeError) as error:
            annotation = annotations["return"]
            raise RefusedSignatureError(
                RETURN, exception_text(error), "return", annotation
            ) from error
    return Signature(wants_context, frozenset(unconverted))


def is_accepted(annotation: object, binding: BindingSpec) -> bool:
    """Return True if the Azure Functions host accepts the annotation for a binding."""
    try:
        _check_parameter(_Check("", is_v2=False), binding, annotation)
    except (RefusedSignatureError, StreamingAnnotationError, AttributeError, TypeError):
        return False
    return True


def _bindings(check: _Check, spec: FunctionSpec) -> dict[str, BindingSpec]:
    for binding in spec.bindings:
        if binding.direction == "inout":
            raise check.error(DIRECTION, '"inout" bindings are not supported', binding.name)
        if binding.name == "$return" and not binding.is_output:
            raise check.error(
                DIRECTION, '"$return" binding must have direction set to "out"', "return"
            )
    return {binding.name: binding for binding in spec.bindings}


def _check_context(check: _Check, annotations: Mapping[str, object]) -> None:
    if "context" not in annotations:
        return
    annotation = annotations["context"]
    if not isinstance(annotation, type) or annotation.__name__ != "Context":
        shown = f'"{annotation!r}"' if _HAS_RUNTIME else repr(annotation)
        raise check.error(
            CONTEXT,
            'the "context" parameter is expected to be of type azure.functions.Context, got '
            f"{shown}",
            "context",
        )


def _check_names(
    check: _Check, parameters: Mapping[str, object], bindings: Mapping[str, object]
) -> None:
    has_new_words = check.is_v2 and _HAS_RUNTIME
    if unbound := sorted(set(parameters) - set(bindings)):
        raise check.error(
            NAMES,
            "the following parameters are declared in Python but not in "
            + (
                "the function definition (function.json or function decorators):  "
                if has_new_words
                else "function.json: "
            )
            + _set(unbound),
            unbound[0],
        )
    if missing := sorted(set(bindings) - set(parameters)):
        raise check.error(
            NAMES,
            (
                "Extra parameters in binding definition \N{EM DASH} the following parameters are "
                "declared as bindings but are not present in Python: "
                if has_new_words
                else "the following parameters are declared in function.json but not in Python: "
            )
            + _set(missing),
        )


def _check_parameter(check: _Check, binding: BindingSpec, annotation: object) -> bool:
    """Return True if the annotation makes the parameter receive its value without conversion.

    Raises TypeError, RefusedSignatureError or StreamingAnnotationError if it is not valid.
    """
    name = binding.name
    if (converter := _sdk_type_converter(check, binding, annotation)) is not None:
        if not converter.check_input_type_annotation(typing.cast("type", annotation)):
            raise _mismatch(check, binding, annotation)
        return False
    is_out = _is_out(annotation)
    value_type = annotation
    if is_out:
        arguments: tuple[object, ...] = (
            getattr(annotation, "__args__", ()) if isinstance(annotation, _Alias) else ()
        )
        if len(arguments) != 1:
            raise check.error(
                DIRECTION, f"binding {name} has invalid Out annotation {annotation!r}", name
            )
        value_type = arguments[0]
    if not isinstance(value_type, type) and not _is_generic(value_type):
        raise check.error(
            PARAMETER,
            f"binding {name} has invalid non-type annotation {annotation!r}",
            name,
            annotation,
        )
    if binding.is_output and not is_out:
        raise check.error(
            DIRECTION,
            f'binding {name} is declared to have the "out" direction, but its annotation in Python '
            "is not a subclass of azure.functions.Out",
            name,
        )
    if is_out and not binding.is_output:
        where = "the binding decorator" if check.is_v2 and _HAS_RUNTIME else "function.json"
        raise check.error(
            DIRECTION,
            f'binding {name} is declared to have the "in" direction in {where}, but its annotation '
            "is azure.functions.Out in Python",
            name,
        )
    if value_type in (str, bytes) and not has_implicit_output(binding.type):
        return True
    if _is_streaming(value_type):
        raise StreamingAnnotationError(name, value_type)
    fits = _fits_output if is_out else _fits_input
    if not fits(binding.type, value_type):
        raise _mismatch(check, binding, value_type)
    return False


def _mismatch(check: _Check, binding: BindingSpec, annotation: object) -> RefusedSignatureError:
    name, kind, shown = binding.name, binding.type, _name(annotation)
    data_type = _data_type(binding)
    if not check.is_v2 or data_type == "0":
        where = "the binding decorator" if check.is_v2 and _HAS_RUNTIME else "function.json"
        message = (
            f'type of {name} binding in {where} "{kind}" does not match its Python annotation '
            f'"{shown}"'
        )
    elif _HAS_RUNTIME:
        message = (
            f'binding type "{name!r}" and dataType "{kind}" in the binding decorator do not match '
            f"the corresponding function parameter's Python type annotation {shown}"
        )
    else:
        message = (
            f'{name!r} binding type "{kind}" and dataType "{data_type}" in function.json do not '
            f'match the corresponding function parameter\'s Python type annotation "{shown}"'
        )
    return check.error(PARAMETER, message, name, annotation)


def _data_type(binding: BindingSpec) -> str:
    """Return the data type of a v2 binding as the worker writes it."""
    name = binding.properties.get("dataType")
    if not isinstance(name, str) or name.lower() not in _DATA_TYPES:
        return "None"
    return str(_DATA_TYPES.index(name.lower()))


def _check_return(check: _Check, kind: str, annotation: object) -> None:
    """Check the return annotation. Raises AttributeError and TypeError where the worker does."""
    if _is_generic(annotation):
        origin = _origin(annotation)
        # The worker reads the name of None for a generic class, such as func.Out without a type.
        if (origin is not None or not _HAS_RUNTIME) and _name(origin) == "Out":
            message = "return annotation should not be azure.functions.Out"
            raise check.error(RETURN, message, "return", annotation)
    if not isinstance(annotation, type):
        message = f"has invalid non-type return annotation {annotation!r}"
        raise check.error(RETURN, message, "return", annotation)
    if _is_streaming(annotation):
        raise StreamingAnnotationError("return", annotation)
    if not _fits_output(kind, annotation):
        raise check.error(
            RETURN,
            f'Python return annotation "{annotation.__name__}" does not match binding type '
            f'"{kind}"',
            "return",
            annotation,
        )


def _fits_input(kind: str, annotation: object) -> bool:
    return converter_for(kind).check_input_type_annotation(typing.cast("type", annotation))


def _fits_output(kind: str, annotation: object) -> bool:
    return converter_for(kind).check_output_type_annotation(typing.cast("type", annotation))


def has_implicit_output(kind: str) -> bool:
    """Return True if a function with this binding may return a value without ``$return``."""
    converter = find_converter(kind)
    if converter is None:
        return kind != "durableClient"
    return bool(getattr(converter, "has_implicit_output", lambda: False)())


def _sdk_type_converter(
    check: _Check, binding: BindingSpec, annotation: object
) -> Converter | None:
    """Return the converter of an SDK type, such as BlobClient, or None for another annotation.

    Raises TypeError for an annotation that the package azurefunctions-extensions-base cannot check.
    Azure's worker always has this package. Its successor for Python 3.13 uses it only if the app
    imports it, and never for function folders.
    """
    if _HAS_RUNTIME and not (check.is_v2 and _EXTENSION in sys.modules):
        return None
    if (origin := typing.get_origin(annotation)) is not None:
        issubclass(origin, collections.abc.Iterable)  # raises TypeError for Optional and Literal
    extension = sys.modules.get(_EXTENSION)
    if extension is None:
        return None
    registry = extension.get_binding_registry()
    if not registry.check_supported_type(annotation):
        return None
    converter: Converter | None = registry.get(binding.type)
    return converter


def _is_generic(annotation: object) -> bool:
    """Return True for a generic class, and for an alias of the module typing except a few.

    The aliases of Union, Tuple, ClassVar and Callable are excluded. ``dict[str, int]`` is not an
    alias of the module typing.
    """
    if isinstance(annotation, type) and issubclass(annotation, typing.Generic):
        return True
    excluded = (typing.Union, tuple, typing.ClassVar, collections.abc.Callable)
    return (
        isinstance(annotation, (_Alias, _SpecialAlias))
        and getattr(annotation, "__origin__", None) not in excluded
    )


def _origin(annotation: object) -> object:
    """Return the class of an alias such as ``func.Out[str]``, or None for any other annotation."""
    if annotation is typing.Generic:
        return annotation
    return getattr(annotation, "__origin__", None) if isinstance(annotation, _Alias) else None


def _is_out(annotation: object) -> bool:
    """Return True for ``func.Out``, with or without a type. The worker compares only the name."""
    origin = _origin(annotation) if _is_generic(annotation) else None
    named = annotation if origin is None else origin
    return isinstance(named, type) and named.__name__ == "Out"


def _is_streaming(annotation: object) -> bool:
    """Return True for a class of HTTP streaming, if the app uses HTTP streaming."""
    module = getattr(annotation, "__module__", "")
    return _STREAMING in sys.modules and str(module).split(".")[0] in ("fastapi", "starlette")


def _name(value: object) -> str:
    return typing.cast("type", value).__name__


def _set(names: list[str]) -> str:
    """Return the names as the worker writes a set."""
    return f"{{{', '.join(map(repr, names))}}}"
