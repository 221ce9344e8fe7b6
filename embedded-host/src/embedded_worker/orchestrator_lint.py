"""Finds mistakes in orchestrators: when they are loaded, when they yield and when they block."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import textwrap
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import CodeType, FrameType, GeneratorType

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.SignalEntityAction import SignalEntityAction
from azure.durable_functions.models.Task import TaskBase

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.sdk import entity_of, orchestrator_of
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
}
_MODULE_ADVICE = {
    "random": "differs in each replay; call it in an activity",
    "secrets": "differs in each replay; call it in an activity",
    "requests": _IO,
    "httpx": _IO,
    "urllib.request": _IO,
    "subprocess": "is run again by each replay; call it in an activity",
}


class UnusableValueError(TypeError):
    """A value of user code cannot be serialized.

    The error is reported without its traceback, because the traceback has only frames of the host.
    """


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


def suspicious_calls(function: UserFunction, root: Path) -> Iterator[str]:
    """Yield a warning for each call that blocks or that has another result in each replay.

    A warning has the position of the call and its replacement.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        file = relative_name(inspect.getsourcefile(function) or "", root)
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _dotted(node.func)):
            last_two = ".".join(name.split(".")[-2:])
            instead = _CALL_ADVICE.get(last_two)
            if instead is None:
                instead = next(
                    (
                        text
                        for module, text in _MODULE_ADVICE.items()
                        if name.startswith(module + ".")
                    ),
                    None,
                )
            if instead:
                line = first + node.lineno - 1
                yield f"{file} line {line}: {name}(...) in an orchestrator {instead}."


def checked(
    function: Callable[[object], object], root: Path
) -> Callable[[DurableOrchestrationContext], object]:
    """Return ``function`` with checks of the values that it yields and returns.

    The SDK's own errors for such values do not name the cause.
    """

    def run(context: DurableOrchestrationContext) -> object:
        returned = function(context)
        if isinstance(returned, GeneratorType):
            return _checked_steps(context, returned, root)
        if isinstance(returned, TaskBase):
            raise UnusableValueError(_task_returned(function.__code__, root))
        return returned

    return run


def _checked_steps(
    context: DurableOrchestrationContext,
    steps: GeneratorType[object, object, object],
    root: Path,
) -> Generator[object, object, object]:
    advance: Callable[[], object] = lambda: next(steps)  # noqa: E731
    while True:
        try:
            task = advance()
        except StopIteration as stop:
            if isinstance(stop.value, TaskBase):
                raise TypeError(_task_returned(steps.gi_code, root)) from None
            return stop.value
        except Exception as error:
            if str(error):
                raise
            raise RuntimeError(_without_message(error, root)) from error
        # The SDK ends the execution at yield context.continue_as_new(...).
        if task is None and context.will_continue_as_new:
            steps.close()
            return None
        if wrong := _invalid_task(task):
            place = _frame_position(steps, root)
            steps.close()
            raise TypeError(f"{place}: the orchestrator yields {wrong}")
        try:
            sent = yield task
        except Exception as error:
            thrown = error
            advance = lambda: steps.throw(thrown)  # noqa: E731, B023
        else:
            value = sent
            advance = lambda: steps.send(value)  # noqa: E731, B023


def _invalid_task(yielded: object) -> str | None:
    """Return the reason why a yielded value is not a valid task, or None."""
    if isinstance(yielded, TaskBase):
        if isinstance(yielded.action_repr, SignalEntityAction):
            # The SDK would send it twice and wait forever (azure-functions-durable-python#497).
            return (
                "a signal, which has no result to wait for: write context.signal_entity(...) "
                "without yield."
            )
        return None
    described = f"a {type(yielded).__name__}" if yielded is not None else "nothing"
    instead = (
        ": write yield context.task_all([...])." if isinstance(yielded, (list, tuple)) else "."
    )
    return f"{described}, but must yield a task of its context{instead}"


def thread_position(thread_id: int, root: Path) -> str | None:
    """Return the line of the app that a thread is executing, or None if there is none.

    Example: ``Hello/__init__.py line 7: time.sleep(60)``.
    """
    frame = sys._current_frames().get(thread_id)
    while frame is not None:
        filename = frame.f_code.co_filename
        if is_app_file(filename, root):
            line = linecache.getline(filename, frame.f_lineno).strip()
            return f"{relative_name(filename, root)} line {frame.f_lineno}: {line}"
        frame = frame.f_back
    return None


def caller_position(root: Path) -> str:
    """Return the file and line of the app's innermost frame on the current stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if is_app_file(frame.f_code.co_filename, root):
            return f"{relative_name(frame.f_code.co_filename, root)} line {frame.f_lineno}"
        frame = frame.f_back
    return "?"


def _task_returned(code: CodeType, root: Path) -> str:
    return (
        f"{relative_name(code.co_filename, root)}: '{code.co_name}' returns a task and not its "
        "result. Write return (yield context...)."
    )


def _without_message(error: BaseException, root: Path) -> str:
    tb, place = error.__traceback__, ""
    while tb is not None:
        filename = tb.tb_frame.f_code.co_filename
        if is_app_file(filename, root):
            place = f" at {relative_name(filename, root)} line {tb.tb_lineno}"
        tb = tb.tb_next
    return f"{type(error).__name__} without a message{place}"


def _frame_position(steps: GeneratorType[object, object, object], root: Path) -> str:
    line = steps.gi_frame.f_lineno if steps.gi_frame else steps.gi_code.co_firstlineno
    return f"{relative_name(steps.gi_code.co_filename, root)} line {line}"


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])
