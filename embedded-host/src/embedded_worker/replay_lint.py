"""Finds calls in an orchestrator, and in the app's functions that it calls, that replay badly."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.user_function import UserFunction

_TIMER = "use yield context.create_timer(...)"
_IO = (
    "does I/O in each replay and blocks every other orchestrator; call it in an activity, or use "
    "context.call_http"
)
_CALL_ADVICE = {
    "time.sleep": f"blocks every other orchestrator and is repeated by each replay; {_TIMER}",
    "asyncio.sleep": f"has no effect; {_TIMER}",
    "datetime.now": "differs in each replay; use context.current_utc_datetime",
    "datetime.utcnow": "differs in each replay; use context.current_utc_datetime",
    "datetime.today": "differs in each replay; use context.current_utc_datetime",
    "date.today": "differs in each replay; use context.current_utc_datetime",
    "time.time": "differs in each replay; use context.current_utc_datetime",
    "uuid.uuid1": "differs in each replay; use context.new_uuid()",
    "uuid.uuid4": "differs in each replay; use context.new_uuid()",
    "uuid4": "differs in each replay; use context.new_uuid()",
    "os.urandom": "differs in each replay; call it in an activity",
}
_MODULE_ADVICE = {
    "random": "differs in each replay; call it in an activity",
    "secrets": "differs in each replay; call it in an activity",
    "requests": _IO,
    "httpx": _IO,
    "urllib.request": _IO,
    "aiohttp": _IO,
    "socket": _IO,
    "subprocess": "is run again by each replay; call it in an activity",
}
_MAX_FUNCTIONS = 100
"""Maximum number of functions that are examined for one orchestrator."""


def suspicious_calls(function: UserFunction, root: Path) -> Iterator[str]:
    """Yield a warning for each call that blocks or that has another result in each replay.

    The calls are those of the orchestrator, and those of the app's functions that it calls. A
    warning has the position of the call and its replacement.
    """
    orchestrator = getattr(function, "__name__", "")
    pending: list[UserFunction] = [function]
    examined: set[types.CodeType] = set()
    while pending and len(examined) < _MAX_FUNCTIONS:
        current = pending.pop(0)
        code = getattr(inspect.unwrap(current), "__code__", None)
        if code is None or code in examined:
            continue
        examined.add(code)
        name = getattr(current, "__name__", "")
        caller = f"'{name}', which the orchestrator '{orchestrator}' calls,"
        place = "an orchestrator" if current is function else caller
        for written, line, target in _calls(current):
            if advice := _advice(target if isinstance(target, str) else _full_name(target)):
                file = relative_name(code.co_filename, root)
                yield f"{file} line {line}: {written}(...) in {place} {advice}."
            elif isinstance(target, types.FunctionType) and is_app_file(
                target.__code__.co_filename, root
            ):
                pending.append(target)


def _calls(function: UserFunction) -> Iterator[tuple[str, int, object]]:
    """Yield the calls in a function: the called name as written, the line, and the called object.

    If the object is unknown, the name as written is yielded in its place.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    names = _names(function)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (written := _dotted(node.func)):
            yield written, first + node.lineno - 1, _resolve(written, names)


def _names(function: UserFunction) -> Mapping[str, object]:
    """Return the global names and the closure of a function."""
    plain = inspect.unwrap(function)
    names = dict(getattr(plain, "__globals__", {}))
    code, cells = getattr(plain, "__code__", None), getattr(plain, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code else (), cells):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # the variable has no value yet
            continue
    return names


def _resolve(written: str, names: Mapping[str, object]) -> object:
    """Return the object that a dotted name refers to, or the name if the object is unknown.

    Only modules and classes are searched, so that no code of the app runs.
    """
    first, *rest = written.split(".")
    if first not in names:
        return written
    value = names[first]
    for depth, name in enumerate(rest):
        found = vars(value).get(name) if isinstance(value, types.ModuleType) else None
        if not isinstance(found, (type, types.ModuleType, types.FunctionType)):
            # A method, an object of a module or a built-in function has no useful name of its own.
            known = isinstance(value, (type, types.ModuleType))
            return ".".join([_full_name(value), *rest[depth:]]) if known else written
        value = found
    return value


def _full_name(value: object) -> str:
    """Return the name of a module, class or function with its module, such as ``time.sleep``."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    name = getattr(value, "__name__", None)
    module = getattr(value, "__module__", None)
    return f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else ""


def _advice(name: str) -> str | None:
    """Return the problem and the replacement of a call, or None for a harmless call."""
    last_two = ".".join(name.split(".")[-2:])
    if advice := _CALL_ADVICE.get(last_two):
        return advice
    return next(
        (text for module, text in _MODULE_ADVICE.items() if name.startswith(module + ".")), None
    )


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
