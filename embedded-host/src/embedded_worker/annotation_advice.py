"""Describes the position and the fix of a signature that the Azure Functions host refuses."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field

from embedded_worker.annotations import (
    CONTEXT,
    DIRECTION,
    NAMES,
    NOT_A_FUNCTION,
    PARAMETER,
    RETURN,
    UNRESOLVED,
    RefusedSignatureError,
    is_accepted,
)
from embedded_worker.protocol import BindingSpec, FunctionSpec
from embedded_worker.sdk import entity_of, orchestrator_of, user_code
from embedded_worker.user_function import UserFunction

_OWN = {
    "httptrigger": "func.HttpRequest",
    "timertrigger": "func.TimerRequest",
    "orchestrationtrigger": "func.OrchestrationContext",
    "entitytrigger": "func.EntityContext",
    "durableclient": "str",
    "orchestrationclient": "str",
}
"""The annotation of a parameter, by type of its binding in lower case."""
_UNION = (typing.Union, getattr(types, "UnionType", typing.Union))
_MISSING_NAME = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class Definition:
    """The source code of a function's signature."""

    line: int = 0
    """The line of ``def``, or 0 if it is unknown."""
    lines: dict[str, int] = field(default_factory=dict)
    """The lines of the parameters by name. The line of the return annotation is ``return``."""
    annotations: dict[str, str] = field(default_factory=dict)
    """The annotations as they are written, by name of the parameter or ``return``."""


def read_definition(call: UserFunction) -> Definition:
    """Return the definition of the user's function. Its lines are 0 if it cannot be read."""
    code = getattr(user_code(call), "__code__", None)
    line = getattr(code, "co_firstlineno", 0)
    try:
        source, first = inspect.getsourcelines(user_code(call))
        tree = ast.parse(textwrap.dedent("".join(source)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return Definition(line)
    if not tree.body or not isinstance(tree.body[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        return Definition(line)
    function, offset = tree.body[0], first - 1
    lines, written = {}, {}
    for parameter in _parameters(function.args):
        lines[parameter.arg] = parameter.lineno + offset
        if parameter.annotation is not None:
            written[parameter.arg] = ast.unparse(parameter.annotation)
    if function.returns is not None:
        lines["return"] = function.returns.lineno + offset
        written["return"] = ast.unparse(function.returns)
    return Definition(function.lineno + offset, lines, written)


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (one for one in (arguments.vararg, arguments.kwarg) if one is not None)


@dataclass(frozen=True)
class _Refused:
    """A refused signature."""

    error: RefusedSignatureError
    call: UserFunction
    spec: FunctionSpec
    name: str
    """The name of the parameter, ``return``, or an empty string for the whole function."""
    definition: Definition

    @property
    def binding(self) -> BindingSpec:
        """The binding of the parameter."""
        return next(binding for binding in self.spec.bindings if binding.name == self.name)

    @property
    def annotation(self) -> str:
        """The subject of a sentence about the annotation."""
        written = self.definition.annotations.get(self.name)
        shown = f" {written}" if written else ""
        if self.name == "return":
            return f"The return annotation{shown} of '{self.spec.entry_point}'"
        return f"The annotation{shown} of the parameter '{self.name}' of '{self.spec.entry_point}'"


def advice(error: RefusedSignatureError, call: UserFunction, spec: FunctionSpec) -> tuple[str, int]:
    """Return sentences with the problem and the fix of a refused signature, and its line."""
    definition = read_definition(call)
    name = error.parameter or _unresolved(str(error), definition)
    text = _ADVICE[error.code](_Refused(error, call, spec, name, definition))
    return text, definition.lines.get(name, definition.line)


def string_request_advice(call: UserFunction, spec: FunctionSpec, name: str) -> tuple[str, int]:
    """Return the fix of a request annotated with str or bytes, and the line of the parameter."""
    definition = read_definition(call)
    return (
        f"{_subject(spec, name, definition)} receives the request without conversion, which fails. "
        "Write func.HttpRequest, or omit the annotation.",
        definition.lines.get(name, definition.line),
    )


def _subject(spec: FunctionSpec, name: str, definition: Definition) -> str:
    written = definition.annotations.get(name)
    shown = f", annotated with {written}," if written else ""
    return f"The parameter '{name}' of '{spec.entry_point}'{shown}"


def _unresolved(message: str, definition: Definition) -> str:
    """Return the parameter whose annotation contains the missing name, or an empty string."""
    if not (missing := _MISSING_NAME.search(message)):
        return ""
    word = re.compile(rf"\b{missing[1]}\b")
    return next((n for n, text in definition.annotations.items() if word.search(text)), "")


def _of_parameter(refused: _Refused) -> str:
    binding = refused.binding
    if _has_implied_optional(refused.call, refused.name):
        return (
            f"Python before 3.11 changes the annotation of the parameter '{refused.name}' of "
            f"'{refused.spec.entry_point}' to Optional, because its default is None. Omit the "
            "default or the annotation."
        )
    instead = replacement(refused.error.annotation, binding)
    return f"{refused.annotation} is not valid for a binding of type {binding.type}. " + (
        f"Write {instead}, or omit the annotation." if instead else "Omit the annotation."
    )


def _has_implied_optional(call: UserFunction, name: str) -> bool:
    if sys.version_info >= (3, 11):
        return False
    parameter = inspect.signature(call).parameters[name]
    text = str(parameter.annotation)
    return parameter.default is None and "Optional" not in text and "None" not in text


def replacement(annotation: object, binding: BindingSpec) -> str:
    """Return annotations for a parameter that the Azure Functions host accepts, or "".

    They are as similar to ``annotation`` as possible.
    """
    if binding.is_output:
        return "func.Out[func.HttpResponse]" if binding.type.lower() == "http" else "func.Out[str]"
    if own := _OWN.get(binding.type.lower()):
        return own
    if typing.get_origin(annotation) in _UNION:
        arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(arguments) == 1:
            if is_accepted(arguments[0], binding):
                return _shown(arguments[0])
            return replacement(arguments[0], binding)
    origin = typing.get_origin(annotation)
    if not isinstance(origin, type) or not is_accepted(origin, binding):
        return "object" if is_accepted(object, binding) else ""
    general = f"typing.{origin.__name__.capitalize()}"
    if origin in (dict, list, set, type):
        return (
            f"{origin.__name__} or {general}[{', '.join(map(_shown, typing.get_args(annotation)))}]"
        )
    return origin.__name__ if origin.__module__ == "builtins" else "object"


def _shown(annotation: object) -> str:
    return annotation.__qualname__ if type(annotation) is type else str(annotation)


def _of_return(refused: _Refused) -> str:
    returned = next(binding for binding in refused.spec.bindings if binding.name == "$return")
    instead = "func.HttpResponse or str" if returned.type.lower() == "http" else "str"
    return (
        f"{refused.annotation} is not valid for the binding $return of type "
        f"{returned.type}. Write {instead}, or omit the annotation."
    )


def _of_context(refused: _Refused) -> str:
    if orchestrator_of(refused.call) or entity_of(refused.call):
        return _HANDLE
    return (
        f"{refused.annotation} must be a class named Context. Write func.Context, or omit the "
        "annotation."
    )


_HANDLE = (
    "The parameter of the result of df.Orchestrator.create or df.Entity.create is named 'context'. "
    "Name the binding 'context' too (in a decorator: context_name=\"context\"). The parameter of "
    "your own function may have any name."
)


def _of_names(refused: _Refused) -> str:
    parameters = inspect.signature(refused.call).parameters
    bindings = [binding.name for binding in refused.spec.bindings if binding.name != "$return"]
    unbound = [n for n in parameters if n not in bindings and n != "context"]
    missing = [n for n in bindings if n not in parameters]
    names = ", ".join(str(p).split(":")[0].split("=")[0].strip() for p in parameters.values())
    sentences = [
        f"'{refused.spec.entry_point}' has the parameters ({names or 'none'}), and "
        f"{refused.spec.name} has the bindings ({', '.join(bindings) or 'none'})."
    ]
    if unbound:
        sentences.append(f"No binding is named {_alternatives(unbound)}.")
    if missing:
        sentences.append(f"No parameter is named {_alternatives(missing)}.")
    if orchestrator_of(refused.call) or entity_of(refused.call):
        sentences.append(_HANDLE)
    elif unbound and not missing:
        sentences.append(
            "Remove the parameter. Parameters with default values, *args and **kwargs need a "
            "binding too."
        )
    else:
        sentences.append("Give both the same names.")
    return " ".join(sentences)


def _of_unresolved(refused: _Refused) -> str:
    subject = (
        refused.annotation if refused.name else f"An annotation of '{refused.spec.entry_point}'"
    )
    if _MISSING_NAME.search(str(refused.error)):
        return (
            f"{subject} cannot be evaluated. Import the name at the top level of the module, and "
            "not only if TYPE_CHECKING is true, or omit the annotation."
        )
    return f"{subject} cannot be evaluated. Correct it, or omit it."


def _of_callable(refused: _Refused) -> str:
    return (
        f"'{refused.spec.entry_point}' is an object of the class {type(refused.call).__name__}. "
        "Write a function that calls it."
    )


def _of_direction(refused: _Refused) -> str:
    if refused.name == "return":
        return f'Write "direction": "out" for the binding $return of {refused.spec.name}.'
    binding = refused.binding
    if binding.direction == "inout":
        return (
            f'Write "direction": "in" or "out" for the binding \'{refused.name}\' of '
            f"{refused.spec.name}."
        )
    subject = f"The parameter '{refused.name}' of '{refused.spec.entry_point}'"
    if binding.is_output:
        return f"{subject} is an output, so annotate it with {replacement(None, binding)}."
    return (
        f"{subject} is an input, so remove func.Out from its annotation, or change the direction "
        f"of the binding '{refused.name}' of {refused.spec.name}."
    )


_ADVICE = {
    PARAMETER: _of_parameter,
    RETURN: _of_return,
    CONTEXT: _of_context,
    NAMES: _of_names,
    UNRESOLVED: _of_unresolved,
    DIRECTION: _of_direction,
    NOT_A_FUNCTION: _of_callable,
}


def _alternatives(names: list[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)
