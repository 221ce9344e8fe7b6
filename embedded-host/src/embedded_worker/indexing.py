"""Indexes a v2 app: finds the functions that the decorators in its function_app.py declare.

It accepts the same apps as the Azure Functions host.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from azure.functions import Function, FunctionRegister

from embedded_worker.app_files import is_app_file, is_script_name, relative_name
from embedded_worker.exception_text import exception_text
from embedded_worker.loading import LoadedFunction, LoadError, NotServedError, bind, import_error
from embedded_worker.protocol import BindingSpec, FindingData, FunctionSpec, LoadProblem
from embedded_worker.retry_settings import retry_settings
from embedded_worker.sdk import user_code
from embedded_worker.user_function import UserFunction


@dataclass
class IndexedApp:
    """The functions of a v2 app, and its problems.

    If there is a problem of the whole app, the app has no functions, as on the Azure Functions
    host.
    """

    functions: list[FunctionSpec] = field(default_factory=list)
    loaded: dict[str, LoadedFunction | LoadError] = field(default_factory=dict)
    """Each function, or the error of a function that the host cannot run, by name."""
    problems: list[LoadProblem] = field(default_factory=list)
    findings: list[FindingData] = field(default_factory=list)


def index_app(root: Path, script: str) -> IndexedApp:
    """Return the functions of the file ``script`` in ``root``, or the errors of the app.

    One function that is not valid makes the whole app invalid.
    """
    try:
        app = _find_app(root, script)
    except LoadError as error:
        problem = LoadProblem(None, str(error), error.stack)
        return IndexedApp(
            problems=[problem], findings=[error.finding] if error.finding is not None else []
        )
    indexed = IndexedApp()
    errors: list[LoadProblem] = []
    findings: list[FindingData] = []
    for builder in app._function_builders:
        call = builder._function.get_user_function()
        position = _position(call, root, script)
        try:
            _add_function(indexed, builder.build(app.auth_level), root, script, position)
        except LoadError as error:
            errors.append(LoadProblem(None, str(error), error.stack))
            findings += [error.finding] if error.finding is not None else []
        except Exception as error:
            name = getattr(call, "__name__", "?")
            errors.append(
                LoadProblem(
                    None,
                    f"{position}: the function '{name}' cannot be indexed: {exception_text(error)}",
                )
            )
    return IndexedApp(problems=errors, findings=findings) if errors else indexed


def _add_function(
    indexed: IndexedApp, function: Function, root: Path, script: str, position: str
) -> None:
    """Add a function to ``indexed``. Raises LoadError if the app is not valid with it."""
    call: UserFunction = function.get_user_function()
    name = str(function.get_function_name())
    if name in indexed.loaded:
        raise LoadError(
            f"{position}: ValueError: Function {name} does not have a unique function name. Please "
            "change @app.function_name() or the function method name to be unique."
        )
    bindings = [_binding(json.loads(text)) for text in function.get_raw_bindings()]
    spec = FunctionSpec(
        name,
        _directory(call, root),
        str(root / script),
        name,
        bindings,
        *_own_definition(call, root),
        retry=retry_settings(function),
    )
    if any(name.lower() == other.lower() for other in indexed.loaded):
        text = (
            f"{position}: another function has the name '{name}' in another case. Names of "
            "functions are compared without regard to case. Rename one of them."
        )
        indexed.problems.append(LoadProblem(f"{name} ({position})", text))
        return
    try:
        indexed.loaded[name] = bind(spec, call, position, root, is_v2=True)
    except NotServedError as error:
        indexed.loaded[name] = error
        indexed.problems.append(LoadProblem(name, str(error), error.stack))
    indexed.functions.append(spec)


def _find_app(root: Path, script: str) -> FunctionRegister:
    """Return the app object at the file's top level.

    Raises LoadError if the file cannot be imported or does not have exactly one app object.
    """
    if not is_script_name(script):
        raise LoadError(
            f"InvalidFileNameError: Invalid file name: {script}. PYTHON_SCRIPT_FILE_NAME must be "
            "the name of a .py file in the app folder with letters, digits, '_' and '-', such as "
            "function_app.py."
        )
    try:
        module = importlib.import_module(Path(script).stem)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise import_error(root, root / script, error) from error
    names = [n for n, value in vars(module).items() if isinstance(value, FunctionRegister)]
    if not names:
        file = getattr(module, "__file__", None)
        raise LoadError(
            f"ValueError: Could not find top level function app instances in {script}. "
            + (
                "Create one at the top level of the file, for example "
                "app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)."
                if file == str(root / script)
                else f"The import of {module.__name__} finds {file or 'a built-in module'}, "
                f"because the app folder is last on sys.path. Rename {script}, and set "
                "PYTHON_SCRIPT_FILE_NAME to its name."
            )
        )
    app: FunctionRegister = getattr(module, names[0])
    if len(names) > 1:
        is_one = len({id(getattr(module, name)) for name in names}) == 1
        raise LoadError(
            f"ValueError: More than one {type(app).__name__} or other top level function app "
            f"instances are defined. {script} has at its top level: {', '.join(names)}. "
            + (
                "They are the same object. Keep one of the names."
                if is_one
                else "Keep one. Make the others blueprints (df.Blueprint) and register them with "
                "app.register_functions(...)."
            )
        )
    return app


def _binding(properties: dict[str, object]) -> BindingSpec:
    direction = str(properties.get("direction", "in")).lower()
    return BindingSpec(
        str(properties["type"]),
        str(properties["name"]),
        direction,
        {**properties, "direction": direction},
    )


def _directory(call: UserFunction, root: Path) -> str:
    """Return the folder of the file in which the function is defined.

    The Python worker passes it to the function as ``context.function_directory``.
    """
    try:
        return str(Path(inspect.getfile(call)).parent)
    except TypeError:  # an instance of a class, which has no file
        return str(root)


def definition(call: UserFunction) -> tuple[str, int]:
    """Return the file and line of a function or of the class of an entity.

    The result is ``("", 0)`` if they are unknown. The line of a class is known since Python 3.13.
    """
    user = user_code(call)
    code = getattr(user, "__code__", None)
    if code is not None:
        return code.co_filename, code.co_firstlineno
    module = sys.modules.get(getattr(user, "__module__", ""))
    file, line = getattr(module, "__file__", None), getattr(user, "__firstlineno__", 0)
    return (file, line) if file and line else ("", 0)


def _own_definition(call: UserFunction, root: Path) -> tuple[str, int]:
    """Return the relative file and line of a definition, or ``("", 0)`` outside the app folder."""
    file, line = definition(call)
    return (relative_name(file, root), line) if is_app_file(file, root) else ("", 0)


def _position(call: UserFunction, root: Path, script: str) -> str:
    """Return the file and line of a function, for example ``function_app.py line 12``."""
    file, line = definition(call)
    return f"{relative_name(file, root)} line {line}" if file else script
