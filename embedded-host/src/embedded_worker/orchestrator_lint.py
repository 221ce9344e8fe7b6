"""Detects and describes mistakes in orchestrators, for all versions of the SDK."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import CodeType

from embedded_worker.app_files import relative_name
from embedded_worker.sdk import entity_of, orchestrator_of
from embedded_worker.user_function import UserFunction


class UnusableValueError(TypeError):
    """A value of user code cannot be serialized.

    The error is reported without its traceback, because the traceback has only frames of the host.
    """

    def __init__(self, message: str, shown_type: str = "TypeError") -> None:
        """Set the name of the class that is reported to ``shown_type``."""
        super().__init__(message)
        self.shown_type = shown_type


def shape_problem(call: UserFunction, kind: str, where: str, name: str) -> str | None:
    """Return the reason why a callable cannot be an orchestrator or entity, or None.

    ``kind`` is the trigger's type, ``where`` the file, and ``name`` the callable's name.
    """
    if kind.lower() not in ("orchestrationtrigger", "entitytrigger"):
        return None
    orchestrates = kind.lower() == "orchestrationtrigger"
    factory = "df.Orchestrator.create" if orchestrates else "df.Entity.create"
    own = orchestrator_of(call) or entity_of(call)
    code = getattr(own, "__code__", None)
    place = (
        f"{where} line {code.co_firstlineno}"
        if code is not None and " line " not in where
        else where
    )
    if own is None:
        if (
            inspect.isgeneratorfunction(call)
            or inspect.iscoroutinefunction(call)
            or inspect.isasyncgenfunction(call)
        ):
            return (
                f"'{name}' in {where} is the {'orchestrator' if orchestrates else 'entity'} "
                "function itself. Rename it, for example to run, make it a plain def, and add "
                f"below it: {name} = {factory}(run)."
            )
        return None
    if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
        instead = "def, with yield instead of await" if orchestrates else "def"
        own_name = getattr(own, "__name__", name)
        return (
            f"{place}: '{own_name}' is an async def, which the SDK does not run. "
            f"Make it a plain {instead}."
        )
    return None


def invalid_yield(yielded: object, all_tasks: str) -> str:
    """Return the error for a yielded value that is not a task.

    ``all_tasks`` is the call that waits for several tasks.
    """
    described = f"a {type(yielded).__name__}" if yielded is not None else "nothing"
    instead = f": write yield {all_tasks}." if isinstance(yielded, (list, tuple)) else "."
    return f"{described}, but must yield a task of its context{instead}"


def task_returned(code: CodeType, root: Path) -> str:
    """Return the error for an orchestrator that returns a task."""
    return (
        f"{relative_name(code.co_filename, root)} line {code.co_firstlineno}: '{code.co_name}' "
        "returns a task and not its result. Write return (yield context...)."
    )
