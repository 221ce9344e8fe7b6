"""Finds functions that are not coroutine functions, but call the coroutines of a durable client."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.loading import LoadedFunction
from embedded_worker.sdk import USES_DURABLETASK, passes_client, user_code
from embedded_worker.user_function import UserFunction

_RUNNERS = ("run", "run_until_complete", "run_coroutine_threadsafe", "async_to_sync")
"""The functions that run a coroutine in a function without ``await``."""
_CLIENT_CLASS = "DurableOrchestrationClient"


def client_problems(function: LoadedFunction, root: Path) -> Iterator[str]:
    """Yield a warning if ``function`` is a ``def`` that needs ``await`` for its durable client.

    The methods of the client of SDK 1.x are coroutine functions. SDK 2.x has a client for ``def``.
    """
    if USES_DURABLETASK or not function.clients:
        return
    user = user_code(function.call)
    code = getattr(user, "__code__", None)
    if (
        code is None
        or inspect.iscoroutinefunction(user)
        or inspect.isasyncgenfunction(user)
        or not is_app_file(code.co_filename, root)
    ):
        return
    definition = _definition(user)
    if definition is None or _called_names(definition) & {*_RUNNERS}:
        return
    name, file = function.spec.name, relative_name(code.co_filename, root)
    before = code.co_firstlineno - 1
    clients = {*function.clients, *_clients_of(definition)}
    for call, method in _unawaited_calls(definition, clients):
        yield (
            f"{file} line {before + call.lineno}: {method}(...) returns a coroutine that never "
            f"runs, because '{name}' is a def. Write async def, and await {method}(...)."
        )
        return
    if passes_client(function.call) and not _may_return_coroutine(definition):
        yield (
            f"{file} line {before + definition.lineno}: '{name}' is a def with a durable client. "
            'azure-functions-durable 1.x awaits its result, so each call fails with "object ... '
            "can't be used in 'await' expression\". Write async def."
        )


def _definition(function: UserFunction) -> ast.FunctionDef | None:
    try:
        lines, _ = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    body = tree.body[0] if tree.body else None
    return body if isinstance(body, ast.FunctionDef) else None


def _called_names(definition: ast.FunctionDef) -> set[str]:
    """Return the last parts of the names of all called functions."""
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(definition)
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))
    }


def _clients_of(definition: ast.FunctionDef) -> set[str]:
    """Return the variables to which the function assigns a client that it creates."""
    return {
        target.id
        for node in ast.walk(definition)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).endswith(_CLIENT_CLASS)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _unawaited_calls(
    definition: ast.FunctionDef, clients: set[str]
) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of the client's coroutine functions whose results are assigned or dropped.

    A result that is returned or passed to another function may be awaited there.
    """
    coroutines = _coroutine_methods()
    for node in ast.walk(definition):
        value = node.value if isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign)) else None
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in coroutines
            and isinstance(value.func.value, ast.Name)
            and value.func.value.id in clients
        ):
            yield value, f"{value.func.value.id}.{value.func.attr}"


def _coroutine_methods() -> set[str]:
    from azure.durable_functions import DurableOrchestrationClient

    return {
        name
        for name, method in inspect.getmembers(
            DurableOrchestrationClient, inspect.iscoroutinefunction
        )
        if not name.startswith("_")
    }


def _may_return_coroutine(definition: ast.FunctionDef) -> bool:
    """Return False if the function returns nothing, a literal or a response in each case."""
    returned = [
        node.value
        for node in ast.walk(definition)
        if isinstance(node, ast.Return) and node.value is not None
    ]
    return not all(_is_plain(value) for value in returned)


def _is_plain(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = ast.unparse(value.func)
        return called.endswith(("HttpResponse", ".create_check_status_response", "dumps"))
    return isinstance(value, (ast.Constant, ast.JoinedStr, ast.Dict, ast.List, ast.Tuple))
