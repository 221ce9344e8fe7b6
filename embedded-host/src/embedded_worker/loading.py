"""Imports the functions that function.json files declare, and describes mistakes in them.

The Azure Functions host's Python worker imports and binds functions in the same way.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import azure.functions as func

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.converters import find_converter
from embedded_worker.framing import encodable
from embedded_worker.orchestrator_lint import shape_problem
from embedded_worker.protocol import SDK_2_REQUIREMENTS, BindingSpec, FunctionSpec
from embedded_worker.sdk import (
    USES_DURABLETASK,
    entity_of,
    is_code_for_2x,
    is_sdk_module,
    orchestrator_of,
    passes_client,
)
from embedded_worker.user_function import UserFunction

_CLIENTS = ("durableclient", "orchestrationclient")
"""The binding types of a durable client, in lower case."""
_DURABLE = ("orchestrationtrigger", "activitytrigger", "entitytrigger", *_CLIENTS)
"""The types of the durable bindings, in lower case."""
APP_PACKAGE = "__app__"
"""The package of the function folders.

It makes ``from ..shared import x`` and ``from __app__.shared import x`` work.
"""


class LoadError(Exception):
    """A function cannot be used.

    The message has the cause, the position and the fix. ``stack`` is the user's part of the
    traceback.
    """

    def __init__(self, text: str, stack: str = "") -> None:
        super().__init__(encodable(text))
        self.stack = encodable(stack)


@dataclass(frozen=True)
class LoadedFunction:
    """A function of the app with its bindings, ready to be called."""

    spec: FunctionSpec
    call: UserFunction
    is_async: bool
    trigger: BindingSpec
    clients: tuple[str, ...]
    """Parameters that get the value of a durableClient binding."""
    outs: Mapping[str, str]
    """Binding types of ``func.Out`` parameters, by parameter name."""
    return_type: str | None
    """The type of the ``$return`` binding, or None."""
    wants_context: bool
    takes_string: bool = False
    """True if the function gets the trigger's string without conversion."""


def prepare_imports(root: Path) -> None:
    """Put the app folder ``root`` first on ``sys.path`` and make it the package ``__app__``.

    The Azure Functions host's Python worker does the same.
    """
    text = str(root)
    if text in sys.path:
        sys.path.remove(text)
    sys.path.insert(0, text)
    for name in [n for n in sys.modules if n == APP_PACKAGE or n.startswith(f"{APP_PACKAGE}.")]:
        del sys.modules[name]  # from another app in the same process
    package = types.ModuleType(APP_PACKAGE)
    package.__path__ = [text]
    # Python 3.15 reads it to format a ModuleNotFoundError of a module in the package.
    package.__spec__ = importlib.util.spec_from_file_location(
        APP_PACKAGE, root / "__init__.py", submodule_search_locations=[text]
    )
    sys.modules[APP_PACKAGE] = package
    importlib.invalidate_caches()


def load_function(root: Path, spec: FunctionSpec) -> LoadedFunction:
    """Import a function. Raises LoadError if it cannot be used."""
    durable = next((b.type for b in spec.bindings if b.type.lower() in _DURABLE), None)
    if USES_DURABLETASK and durable is not None:
        raise LoadError(
            f"{spec.name}/function.json has a binding of type {durable}, but "
            "azure-functions-durable 2.x supports only functions with decorators. Declare "
            "the function in function_app.py, or install azure-functions-durable>=1.1.6,<2."
        )
    module = _import(root, spec)
    where = relative_name(spec.script_file, root)
    try:
        return bind(spec, _entry_point(module, spec, where), where)
    except LoadError:
        raise
    except Exception as error:  # raised by user code, for example by a module's __getattr__
        text = (
            f"'{spec.entry_point}' in {where} cannot be inspected: {type(error).__name__}: {error}"
        )
        raise LoadError(text, own_stack(error)) from error


def _entry_point(module: types.ModuleType, spec: FunctionSpec, where: str) -> UserFunction:
    entry_point = getattr(module, spec.entry_point, None)
    if entry_point is None:
        own = [
            n
            for n, v in vars(module).items()
            if inspect.isfunction(v) and v.__module__ == module.__name__
        ]
        has = f" It has: {', '.join(own)}." if own else ""
        raise LoadError(
            f"{where} has no '{spec.entry_point}'.{has} Define it there, or set \"entryPoint\" in "
            f"{spec.name}/function.json to another name."
        )
    if not callable(entry_point):
        raise LoadError(
            f"'{spec.entry_point}' in {where} is a {type(entry_point).__name__} and cannot be "
            "called; it must be a function."
        )
    function: UserFunction = entry_point
    return function


def bind(spec: FunctionSpec, call: UserFunction, where: str) -> LoadedFunction:
    """Match a callable's parameters with its bindings. Raises LoadError if they do not match."""
    trigger = next(b for b in spec.bindings if b.is_trigger)
    if wrong := shape_problem(call, trigger.type, where, spec.entry_point):
        raise LoadError(wrong)
    bindings = {b.name: b for b in spec.bindings}
    returned = bindings.pop("$return", None)
    try:
        parameters = dict(inspect.signature(call).parameters)
    except (TypeError, ValueError) as error:
        raise LoadError(
            f"the parameters of '{spec.entry_point}' in {where} cannot be read: {error}."
        ) from error
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    named = {n: p for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    context = named.get("context")
    wants_context = context is not None and "context" not in bindings
    unbound = [
        n
        for n, p in named.items()
        if n not in bindings and n != "context" and p.default is inspect.Parameter.empty
    ]
    missing = [] if takes_any else [n for n in bindings if n not in named]
    if unbound or missing:
        raise LoadError(
            f"the parameters of '{spec.entry_point}' in {where} do not match the bindings of "
            f"{spec.name}: parameters ({', '.join(named) or 'none'}), "
            f"bindings ({', '.join(bindings) or 'none'}). "
            + (f"No binding is named {_alternatives(unbound)}. " if unbound else "")
            + (f"No parameter is named {_alternatives(missing)}. " if missing else "")
            + (
                "The parameter of the result of df.Orchestrator.create or df.Entity.create is "
                "named 'context'. Name the binding 'context' too (in a decorator: "
                'context_name="context"). The parameter of your own function may have any name.'
                if orchestrator_of(call) or entity_of(call)
                else "Give both the same names."
            )
        )
    for name, binding in bindings.items():
        is_input = binding.direction == "in"
        if is_input and binding is not trigger and binding.type.lower() not in _CLIENTS:
            raise LoadError(
                f"the input '{name}' of {spec.name} is a binding of type {binding.type}, which is "
                "not served by the embedded host. Read it in the function itself, with that "
                "service's package, or run the app with Core Tools."
            )
    annotations = _annotations(call)
    for name, binding in bindings.items():
        if binding.type.lower() in _CLIENTS and passes_client(call):
            continue
        _check_annotation(spec, where, binding, annotations.get(name))
    return LoadedFunction(
        spec=spec,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        trigger=trigger,
        clients=tuple(n for n, b in bindings.items() if b.type.lower() in _CLIENTS),
        outs={n: b.type for n, b in bindings.items() if b.is_output},
        return_type=returned.type if returned else None,
        wants_context=wants_context,
        takes_string=as_string(trigger.type, annotations.get(trigger.name)),
    )


def _annotations(call: UserFunction) -> dict[str, object]:
    try:
        if sys.version_info < (3, 10):
            return typing.get_type_hints(call)
        return inspect.get_annotations(call, eval_str=True)
    except Exception:  # an annotation that only type checkers resolve does no harm
        return {}


def _check_annotation(
    spec: FunctionSpec, where: str, binding: BindingSpec, annotation: object
) -> None:
    name, kind, is_out = binding.name, binding.type, binding.is_output
    if annotation is None:
        return
    marked_out = getattr(annotation, "__origin__", annotation) is func.Out
    if is_out != marked_out and isinstance(getattr(annotation, "__origin__", annotation), type):
        raise LoadError(
            f"the parameter '{name}' of '{spec.entry_point}' in {where} is an "
            + (
                "output, so annotate it with func.Out[...]"
                if is_out
                else "input, so remove func.Out from its annotation"
            )
            + f', or change "direction" in {spec.name}/function.json.'
        )
    converter = find_converter(kind)
    if is_out or converter is None or not isinstance(annotation, type):
        return
    if as_string(kind, annotation):
        return
    check = getattr(converter, "check_input_type_annotation", None)
    try:
        fits = check is None or check(annotation)
    except TypeError:
        return
    if not fits and annotation.__module__.split(".")[0] in ("fastapi", "starlette"):
        raise LoadError(
            f"the parameter '{name}' of '{spec.entry_point}' in {where} is annotated with "
            f"{annotation.__name__} of HTTP streaming (azurefunctions-extensions-http-fastapi), "
            "which the embedded host does not serve. Annotate it as func.HttpRequest and return a "
            "func.HttpResponse, or run the app with Core Tools."
        )
    if not fits:
        raise LoadError(
            f"the parameter '{name}' of '{spec.entry_point}' in {where} is annotated with "
            f"{annotation.__name__}, which a binding of type {kind} does not support; annotate it "
            f"as {_EXPECTED.get(kind.lower(), 'described in the documentation of the binding')}."
        )


def as_string(kind: str, annotation: object) -> bool:
    """Return True if a parameter receives the unconverted value of its binding.

    As on the Azure Functions host, this is the case for the annotations str and bytes, unless the
    binding has an implicit output. An HTTP request is never passed as a string.
    """
    converter = find_converter(kind)
    own_output = converter is not None and converter.has_implicit_output()
    return annotation in (str, bytes) and not own_output and kind.lower() != "httptrigger"


_EXPECTED = {
    "httptrigger": "func.HttpRequest",
    "durableclient": "str",
    "orchestrationtrigger": "func.OrchestrationContext, or omit the annotation",
    "entitytrigger": "func.EntityContext, or omit the annotation",
    "timertrigger": "func.TimerRequest",
}


def _import(root: Path, spec: FunctionSpec) -> types.ModuleType:
    script = Path(spec.script_file)
    try:
        parts = list(script.relative_to(root).with_suffix("").parts)
    except ValueError:
        raise LoadError(f"the file {script.name} is outside the app folder.") from None
    if parts[-1] == "__init__":
        parts.pop()
    name = ".".join((APP_PACKAGE, *parts))
    try:
        return importlib.import_module(name)
    except BaseException as error:  # user code, which may even call sys.exit
        if isinstance(error, KeyboardInterrupt):
            raise
        raise import_error(root, script, error) from error


def import_error(root: Path, script: Path, error: BaseException) -> LoadError:
    """Return the error for a failed import. The message contains the failing line of the app."""
    where = relative_name(str(script), root)
    line = _own_line(root, error)
    stack = "".join(traceback.format_exception(type(error), error, own_traceback(error)))
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{relative_name(error.filename, root)} line {error.lineno}"
        text = (error.text or "").strip()
        return LoadError(
            f"{where} cannot be imported: {place}: {text}\n"
            f"    {type(error).__name__}: {error.msg}.",
            stack,
        )
    if is_code_for_2x(error):
        return LoadError(
            f"{where} cannot be imported: {line}{type(error).__name__}: {error}. The code needs "
            "azure-functions-durable 2.x, but the app's environment has 1.x. Write "
            f"{' and '.join(SDK_2_REQUIREMENTS)} in requirements.txt, and install them for the "
            "Python that runs the app, 3.13 or newer.",
            stack,
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.removeprefix(f"{APP_PACKAGE}.")
        top = name.split(".")[0]
        if (root / top).exists():
            remedy = f"{top} is a folder of the app, but it has no such module."
        elif name != error.name:
            remedy = "The app has no such folder or file."
        else:
            remedy = "Add it to requirements.txt and install it for the Python that runs the app."
        return LoadError(
            f"{where} cannot be imported: {line}there is no module named '{name}'. {remedy}",
            stack,
        )
    if isinstance(error, SystemExit):
        return LoadError(
            f"{where} cannot be imported: {line}it calls sys.exit({error.code!r}).",
            stack,
        )
    return LoadError(f"{where} cannot be imported: {line}{type(error).__name__}: {error}", stack)


def _own_line(root: Path, error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_app_file(f.filename, root)]
    if not frames:
        return ""
    last = frames[-1]
    return f"{relative_name(last.filename, root)} line {last.lineno}: {last.line}\n    "


def own_traceback(error: BaseException) -> types.TracebackType | None:
    """Return the traceback from the user's first frame on, or None if it has no such frame.

    The frames of the host and of importlib before it are left out.
    """
    tb = error.__traceback__
    while tb is not None and _is_ours(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb


def own_stack(error: BaseException) -> str:
    """Return the formatted traceback from the user's first frame on.

    Frames of the SDK and of the host are omitted. They are detected by the module of the frame,
    because a wrapper of SDK 2.x has the file name of the function that it calls.
    """
    formatted = traceback.TracebackException(type(error), error, own_traceback(error))
    part: traceback.TracebackException | None = formatted
    raised: BaseException | None = error
    frames = own_traceback(error)
    while part is not None and raised is not None:
        shown = [
            summary
            for summary, (frame, _) in zip(part.stack, traceback.walk_tb(frames))
            if not _is_ours(summary.filename) and not is_sdk_module(frame.f_globals.get("__name__"))
        ]
        if shown:
            part.stack[:] = shown
        if part.__cause__ is not None:
            part, raised = part.__cause__, raised.__cause__
        else:
            part, raised = part.__context__, raised.__context__
        frames = raised.__traceback__ if raised is not None else None
    return "".join(formatted.format())


_OURS = tuple(
    str(Path(__file__).parents[1] / name) + os.sep for name in ("embedded_host", "embedded_worker")
)


def _is_ours(filename: str) -> bool:
    return filename.startswith((*_OURS, "<frozen importlib")) or filename.endswith(
        (
            str(Path("importlib", "__init__.py")),
            str(Path("asyncio", "tasks.py")),
            str(Path("asyncio", "futures.py")),
        )
    )


def _alternatives(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)
