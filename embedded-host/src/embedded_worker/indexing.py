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

from azure.functions import FunctionRegister

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.loading import LoadedFunction, LoadError, bind, import_error
from embedded_worker.protocol import BindingSpec, FunctionSpec, LoadProblem
from embedded_worker.retry_settings import retry_settings
from embedded_worker.sdk import user_code
from embedded_worker.user_function import UserFunction


@dataclass
class IndexedApp:
    """The functions of a v2 app, and its problems."""

    functions: list[FunctionSpec] = field(default_factory=list)
    loaded: dict[str, LoadedFunction | LoadError] = field(default_factory=dict)
    """Each usable function, or the error of an unusable function, by function name."""
    problems: list[LoadProblem] = field(default_factory=list)


def index_app(root: Path, script: str) -> IndexedApp:
    """Return the functions of the file ``script`` in ``root``, and the errors of unusable ones."""
    indexed = IndexedApp()
    try:
        app = _find_app(root, script)
    except LoadError as error:
        indexed.problems.append(LoadProblem(None, str(error), error.stack))
        return indexed
    for builder in app._function_builders:
        call = builder._function.get_user_function()
        name = getattr(call, "__name__", "?")
        position = _position(call, root, script)
        try:
            function = builder.build(app.auth_level)
            name = function.get_function_name() or name
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
            if name.lower() in (other.lower() for other in indexed.loaded):
                other, name = (
                    name,
                    f"{name} ({position})",
                )  # the first function of the name is served
                raise LoadError(f"another function is also named '{other}'. Rename one of them.")
            if not any(binding.is_trigger for binding in bindings):
                raise LoadError(
                    f"{position}: the function '{name}' has no trigger. Decorate it with one, for "
                    "example @app.route()."
                )
            indexed.functions.append(spec)
            indexed.loaded[name] = bind(spec, call, position, root, is_v2=True)
        except LoadError as error:
            indexed.loaded.setdefault(name, error)
            indexed.problems.append(LoadProblem(name, str(error), error.stack))
        except Exception as error:
            text = (
                f"{position}: the function '{name}' cannot be indexed: "
                f"{type(error).__name__}: {error}"
            )
            indexed.loaded.setdefault(name, LoadError(text))
            indexed.problems.append(LoadProblem(name, text))
    return indexed


def _find_app(root: Path, script: str) -> FunctionRegister:
    """Return the app object at the file's top level.

    Raises LoadError if the file cannot be imported or does not have exactly one app object.
    """
    try:
        module = importlib.import_module(Path(script).stem)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise import_error(root, root / script, error) from error
    apps = {
        id(value): name
        for name, value in vars(module).items()
        if isinstance(value, FunctionRegister)
    }
    if not apps:
        raise LoadError(
            f"{script} has no app object at its top level. Create one there, for example "
            "app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)."
        )
    if len(apps) > 1:
        raise LoadError(
            f"{script} has more than one app object at its top level: {', '.join(apps.values())}. "
            "Keep one. Make the others blueprints (df.Blueprint) and register them with "
            "app.register_functions(...)."
        )
    app: FunctionRegister = getattr(module, next(iter(apps.values())))
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
