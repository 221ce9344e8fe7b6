"""Checks the values that an orchestrator of SDK 1.x yields and returns."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from types import GeneratorType
from typing import TYPE_CHECKING

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.SignalEntityAction import SignalEntityAction
from azure.durable_functions.models.Task import TaskBase

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.orchestrator_lint import UnusableValueError, invalid_yield, task_returned

if TYPE_CHECKING:
    Steps = GeneratorType[object, object, object]
    """The generator of an orchestrator."""


def checked(
    function: Callable[[object], object], root: Path, on_start: Callable[[Steps], None]
) -> Callable[[DurableOrchestrationContext], object]:
    """Return ``function`` with checks of the values that it yields and returns.

    The SDK's own errors for invalid values do not name the cause. ``on_start`` receives the
    generator of the orchestrator.
    """

    def run(context: DurableOrchestrationContext) -> object:
        returned = function(context)
        if isinstance(returned, GeneratorType):
            on_start(returned)
            return _checked_steps(context, returned, root)
        if isinstance(returned, TaskBase):
            raise UnusableValueError(task_returned(function.__code__, root))
        return returned

    return run


def _checked_steps(
    context: DurableOrchestrationContext,
    steps: Steps,
    root: Path,
) -> Generator[object, object, object]:
    advance: Callable[[], object] = lambda: next(steps)  # noqa: E731
    while True:
        try:
            task = advance()
        except StopIteration as stop:
            if isinstance(stop.value, TaskBase):
                raise TypeError(task_returned(steps.gi_code, root)) from None
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
            # The SDK would send the signal twice and wait forever:
            # azure-functions-durable-python#497.
            return (
                "a signal, which has no result to wait for: write context.signal_entity(...) "
                "without yield."
            )
        return None
    return invalid_yield(yielded, "context.task_all([...])")


def _without_message(error: BaseException, root: Path) -> str:
    tb, place = error.__traceback__, ""
    while tb is not None:
        filename = tb.tb_frame.f_code.co_filename
        if is_app_file(filename, root):
            place = f" at {relative_name(filename, root)} line {tb.tb_lineno}"
        tb = tb.tb_next
    return f"{type(error).__name__} without a message{place}"


def waiting_position(steps: Steps, root: Path) -> str:
    """Return the file and line at which an orchestrator waits, or "" if it has ended."""
    if steps.gi_frame is None:
        return ""
    while isinstance(steps.gi_yieldfrom, GeneratorType) and steps.gi_yieldfrom.gi_frame is not None:
        steps = steps.gi_yieldfrom
    return _frame_position(steps, root)


def _frame_position(steps: Steps, root: Path) -> str:
    line = steps.gi_frame.f_lineno if steps.gi_frame else steps.gi_code.co_firstlineno
    return f"{relative_name(steps.gi_code.co_filename, root)} line {line}"
