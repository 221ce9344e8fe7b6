"""Imports the functions that function.json files declare, and describes mistakes in them.

The Azure Functions host's Python worker imports and binds functions in the same way.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_worker.annotations import (
    PARAMETER,
    RETURN,
    STRING_REQUEST,
    TYPE_CASE,
    RefusedSignatureError,
    Signature,
    StreamingAnnotationError,
    check_signature,
)
from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.converters import registered_spelling
from embedded_worker.exception_text import exception_text
from embedded_worker.framing import encodable
from embedded_worker.import_path import APP_PACKAGE, add_function_folders
from embedded_worker.orchestrator_lint import shape_problem
from embedded_worker.protocol import SDK_2_REQUIREMENTS, BindingSpec, FindingData, FunctionSpec
from embedded_worker.sdk import (
    USES_DURABLETASK,
    is_code_for_2x,
    is_sdk_module,
    user_code,
)
from embedded_worker.user_function import UserFunction

_CLIENTS = ("durableclient", "orchestrationclient")
"""The binding types of a durable client, in lower case."""
DURABLE_BINDINGS = ("orchestrationtrigger", "activitytrigger", "entitytrigger", *_CLIENTS)
"""The types of the durable bindings, in lower case."""


class LoadError(Exception):
    """A function cannot be used.

    The message has the cause, the position and the fix. ``stack`` is the user's part of the
    traceback.
    """

    def __init__(self, text: str, stack: str = "", *, finding: FindingData | None = None) -> None:
        super().__init__(encodable(text))
        self.stack = encodable(stack)
        self.finding = finding
        """The parity finding of a function that the Azure Functions host refuses, or None."""

    @property
    def code(self) -> str:
        """The code of the parity finding, or an empty string."""
        return self.finding.code if self.finding is not None else ""


class NotServedError(LoadError):
    """A function exists on the Azure Functions host, but the embedded host cannot run it."""


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
    findings: tuple[FindingData, ...] = ()
    """The parity findings of the function's signature."""


def load_function(root: Path, spec: FunctionSpec) -> LoadedFunction:
    """Import a function. Raises LoadError if it cannot be used."""
    durable = next((b.type for b in spec.bindings if b.type.lower() in DURABLE_BINDINGS), None)
    if USES_DURABLETASK and durable is not None:
        raise LoadError(
            f"{spec.name}/function.json has a binding of type {durable}, but "
            "azure-functions-durable 2.x supports only functions with decorators. Declare "
            "the function in function_app.py, or install azure-functions-durable>=1.1.6,<2."
        )
    module = _import(root, spec)
    where = relative_name(spec.script_file, root)
    try:
        return bind(spec, _entry_point(module, spec, where), where, root)
    except LoadError:
        raise
    except Exception as error:  # raised by user code, for example by a module's __getattr__
        text = f"'{spec.entry_point}' in {where} cannot be inspected: {exception_text(error)}"
        raise LoadError(text, own_stack(error)) from error


def _entry_point(module: types.ModuleType, spec: FunctionSpec, where: str) -> UserFunction:
    entry_point = getattr(module, spec.entry_point, None)
    fault = (
        f"RuntimeError: cannot load function {spec.name}: function {spec.entry_point}() is not "
        f"present in {where}."
    )
    if entry_point is None:
        own = [
            n
            for n, v in vars(module).items()
            if inspect.isfunction(v) and v.__module__ == module.__name__
        ]
        has = f" It has: {', '.join(own)}." if own else ""
        raise LoadError(
            f'{fault}{has} Define it there, or set "entryPoint" in {spec.name}/function.json to '
            "another name."
        )
    if not callable(entry_point):
        raise LoadError(
            f"{fault} The name is a {type(entry_point).__name__} and cannot be called; it must be "
            "a function."
        )
    function: UserFunction = entry_point
    return function


def bind(
    spec: FunctionSpec, call: UserFunction, where: str, root: Path, *, is_v2: bool = False
) -> LoadedFunction:
    """Match a callable's parameters with its bindings. Raises LoadError if they do not match.

    ``where`` is the position of the callable, and ``root`` is the app folder. ``is_v2`` is True for
    a function with decorators.
    """
    trigger = next(b for b in spec.bindings if b.is_trigger)
    if wrong := shape_problem(call, trigger.type, where, spec.entry_point):
        raise NotServedError(wrong)
    try:
        signature = check_signature(call, spec, is_v2=is_v2)
    except RefusedSignatureError as error:
        raise _refused(error, call, spec, root) from error
    except StreamingAnnotationError as error:
        raise NotServedError(
            f"the annotation {error.name} in the signature of '{spec.entry_point}' in {where} is a "
            "class of HTTP streaming (azurefunctions-extensions-http-fastapi), which the embedded "
            "host does not serve. Use func.HttpRequest and func.HttpResponse, or run the app with "
            "Core Tools."
        ) from error
    bindings = {b.name: b for b in spec.bindings}
    returned = bindings.pop("$return", None)
    for name, binding in bindings.items():
        is_input = binding.direction == "in"
        if is_input and binding is not trigger and binding.type.lower() not in _CLIENTS:
            raise NotServedError(
                f"the input '{name}' of {spec.name} is a binding of type {binding.type}, which is "
                "not served by the embedded host. Read it in the function itself, with that "
                "service's package, or run the app with Core Tools."
            )
    return LoadedFunction(
        spec=spec,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        trigger=trigger,
        clients=tuple(n for n, b in bindings.items() if b.type.lower() in _CLIENTS),
        outs={n: b.type for n, b in bindings.items() if b.is_output},
        return_type=returned.type if returned else None,
        wants_context=signature.wants_context,
        takes_string=trigger.name in signature.unconverted,
        findings=_findings(call, spec, trigger, signature, root),
    )


def _refused(
    error: RefusedSignatureError, call: UserFunction, spec: FunctionSpec, root: Path
) -> LoadError:
    """Return the error for a function that the Azure Functions host does not load."""
    from embedded_worker.annotation_advice import advice  # few apps need it

    text, line = advice(error, call, spec)
    file = _file(call, spec, root)
    code = error.code
    if code in (PARAMETER, RETURN):
        name = "$return" if code == RETURN else error.parameter
        binding = next((b for b in spec.bindings if b.name == name), None)
        if binding is not None and (case_text := _case_text(binding)):
            code, text = TYPE_CASE, case_text
    position = f"{file} line {line}" if line else file
    return LoadError(
        f"{error}. {position}: {text}",
        finding=FindingData(code, spec.name, text, file, line),
    )


def _case_text(binding: BindingSpec) -> str:
    """Return the fix of a binding whose type differs from a registered type in case, or ""."""
    spelling = registered_spelling(binding.type)
    if spelling is None:
        return ""
    return (
        f'Write "{spelling}" instead of "{binding.type}" as the type of the binding '
        f"'{binding.name}'."
    )


def _findings(
    call: UserFunction,
    spec: FunctionSpec,
    trigger: BindingSpec,
    signature: Signature,
    root: Path,
) -> tuple[FindingData, ...]:
    """Return the parity findings of a function that can be loaded."""
    outputs = [binding for binding in spec.bindings if binding.type.lower() == "http"]
    if text := " ".join(filter(None, map(_case_text, (trigger, *outputs)))):
        return (FindingData(TYPE_CASE, spec.name, text, _file(call, spec, root)),)
    if trigger.type.lower() != "httptrigger" or trigger.name not in signature.unconverted:
        return ()
    from embedded_worker.annotation_advice import string_request_advice  # few apps need it

    text, line = string_request_advice(call, spec, trigger.name)
    return (FindingData(STRING_REQUEST, spec.name, text, _file(call, spec, root), line),)


def _file(call: UserFunction, spec: FunctionSpec, root: Path) -> str:
    """Return the file of the user's function relative to ``root``."""
    code = getattr(user_code(call), "__code__", None)
    return relative_name(getattr(code, "co_filename", spec.script_file), root)


def _import(root: Path, spec: FunctionSpec) -> types.ModuleType:
    script = Path(spec.script_file)
    add_function_folders(root)
    try:
        parts = list(script.relative_to(root).with_suffix("").parts)
    except ValueError:
        raise LoadError(
            f"RuntimeError: script path {script} is not relative to the specified directory "
            f"{spec.directory}. The script file is outside the app folder. Move it into the app "
            "folder."
        ) from None
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
            f"{where} cannot be imported: {line}{exception_text(error)}. The code needs "
            "azure-functions-durable 2.x, but the app's environment has 1.x. Write "
            f"{' and '.join(SDK_2_REQUIREMENTS)} in requirements.txt, and install them for the "
            "Python that runs the app, 3.13 or newer.",
            stack,
        )
    finding = None
    words = exception_text(error)
    remedy = ""
    if isinstance(error, ImportError):
        words = (
            f"{words.rstrip('.')}. Cannot find module. Please check "
            "the requirements.txt file for the missing module."
        )
        remedy = _remedy(root, script, error)
    elif isinstance(error, SystemExit):
        words = f"it calls sys.exit({error.code!r})"
        last = _last_own_frame(root, error)
        finding = FindingData(
            EXIT_AT_IMPORT,
            where,
            file=relative_name(last.filename, root) if last else where,
            line=(last.lineno or 0) if last else 0,
        )
    return LoadError(f"{where} cannot be imported: {line}{words}{remedy}", stack, finding=finding)


EXIT_AT_IMPORT = "EH832"
"""The kind of the parity finding for an import that ends the worker process."""


def _remedy(root: Path, script: Path, error: ImportError) -> str:
    """Return a sentence with the fix of a failed import, after a space, or an empty string."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    name = error.name.removeprefix(f"{APP_PACKAGE}.")
    top = name.split(".")[0]
    hiding = getattr(sys.modules.get(top), "__file__", None)
    if (root / top).exists() and hiding and not is_app_file(hiding, root):
        return (
            f" The import of {top} finds {hiding}, because the app folder is last on sys.path. "
            f"Rename the folder {top} of the app."
        )
    if (root / top).exists():
        return f" {top} is a folder of the app, but it has no such module."
    if name != error.name:
        return " The app has no such folder or file."
    if script.parent != root and any(
        (script.parent / child).exists() for child in (f"{top}.py", top)
    ):
        return (
            f" {top} is in the folder {script.parent.name}, which is not on sys.path. Write "
            f"'from . import {top}'."
        )
    return " Add it to requirements.txt and install it for the Python that runs the app."


def _last_own_frame(root: Path, error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost frame of an exception in the app's code, or None."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f for f in reversed(frames) if is_app_file(f.filename, root)), None)


def _own_line(root: Path, error: BaseException) -> str:
    last = _last_own_frame(root, error)
    if last is None:
        return ""
    return f"{relative_name(last.filename, root)} line {last.lineno}: {last.line}\n    "


def own_traceback(error: BaseException) -> types.TracebackType | None:
    """Return the traceback from the user's first frame on, or None if it has no such frame.

    The frames of the host and of importlib before it are left out.
    """
    tb = error.__traceback__
    while tb is not None and _is_ours(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb


def error_position(error: BaseException, root: Path) -> tuple[str, int]:
    """Return the file and line of the app that raised ``error``, or ("", 0)."""
    position = ("", 0)
    for frame, line in traceback.walk_tb(error.__traceback__):
        filename = frame.f_code.co_filename
        if is_app_file(filename, root):
            position = (relative_name(filename, root), line)
    return position


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
