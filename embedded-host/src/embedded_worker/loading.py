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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedded_worker.annotations import (
    STRING_REQUEST,
    RefusedSignatureError,
    Signature,
    StreamingAnnotationError,
    check_signature,
)
from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.framing import encodable
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

    def __init__(self, text: str, stack: str = "", *, finding: FindingData | None = None) -> None:
        super().__init__(encodable(text))
        self.stack = encodable(stack)
        self.finding = finding
        """The parity finding of a function that the Azure Functions host refuses, or None."""

    @property
    def code(self) -> str:
        """The code of the parity finding, or an empty string."""
        return self.finding.code if self.finding is not None else ""


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
        return bind(spec, _entry_point(module, spec, where), where, root)
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


def bind(
    spec: FunctionSpec, call: UserFunction, where: str, root: Path, *, is_v2: bool = False
) -> LoadedFunction:
    """Match a callable's parameters with its bindings. Raises LoadError if they do not match.

    ``where`` is the position of the callable, and ``root`` is the app folder. ``is_v2`` is True for
    a function with decorators.
    """
    trigger = next(b for b in spec.bindings if b.is_trigger)
    if wrong := shape_problem(call, trigger.type, where, spec.entry_point):
        raise LoadError(wrong)
    try:
        signature = check_signature(call, spec, is_v2=is_v2)
    except RefusedSignatureError as error:
        raise _refused(error, call, spec, root) from error
    except StreamingAnnotationError as error:
        raise LoadError(
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
            raise LoadError(
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
    position = f"{file} line {line}" if line else file
    return LoadError(
        f"{error}. {position}: {text}",
        finding=FindingData(error.code, spec.name, text, file, line),
    )


def _findings(
    call: UserFunction,
    spec: FunctionSpec,
    trigger: BindingSpec,
    signature: Signature,
    root: Path,
) -> tuple[FindingData, ...]:
    """Return the parity findings of a function that can be loaded."""
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
