"""Checks the values that an orchestrator of SDK 2.x yields.

The SDK's own errors for invalid values do not name the cause. If the first yielded value is not a
task, the SDK waits forever.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType

from durabletask.task import Task

from embedded_worker.app_files import is_app_file, relative_name
from embedded_worker.orchestrator_lint import invalid_yield

Steps = Generator[object, object, object]


class CheckedSteps(Generator[object, object, object]):
    """The generator of an orchestrator, with checks.

    ``sessions`` removes its frames from the tracebacks that the SDK records.
    """

    def __init__(self, steps: Steps, root: Path) -> None:
        self._steps, self._root = steps, root

    def send(self, value: object, /) -> object:
        """Resume the generator with ``value``."""
        return self._checked(self._steps.send(value))

    def throw(self, *arguments: object) -> object:
        """Raise an exception in the generator."""
        return self._checked(self._steps.throw(*arguments))  # type: ignore[call-overload]

    def close(self) -> None:
        """Raise GeneratorExit in the generator."""
        self._steps.close()

    @property
    def waits(self) -> str:
        """The file and line at which the generator waits, or "" if it has ended."""
        if getattr(self._steps, "gi_frame", None) is None:
            return ""
        return _position(self._steps, self._root)

    def _checked(self, task: object) -> object:
        if isinstance(task, Task):
            return task
        place = _position(self._steps, self._root)
        self._steps.close()
        raise TypeError(
            f"{place}: the orchestrator yields {invalid_yield(task, 'task.when_all([...])')}"
        )


def _position(steps: Steps, root: Path) -> str:
    """Return the file and line in the app at which the generator waits.

    The SDK wraps the generator of a 1.x-compatible orchestrator.
    """
    part: object = steps
    place: tuple[CodeType, int] | None = None
    while (code := getattr(part, "gi_code", None)) is not None:
        frame: FrameType | None = getattr(part, "gi_frame", None)
        if place is None or is_app_file(code.co_filename, root):
            place = (code, frame.f_lineno if frame else code.co_firstlineno)
        part = getattr(part, "gi_yieldfrom", None)
    if place is None:
        return "?"
    return f"{relative_name(place[0].co_filename, root)} line {place[1]}"
