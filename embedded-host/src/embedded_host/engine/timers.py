"""The timers that an orchestrator makes itself, within one execution: it may cancel them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from embedded_host.engine.actions import Action, CreateTimer, WhenAll, WhenAny
from embedded_host.engine.task import PendingTask


class Timers:
    """A cancelled timer holds nobody up. It settles where a turn ends and not where it was made, so that what it lets through is
    numbered after everything that the turn itself decided, as the SDK numbers it."""

    __slots__ = ("_cancelled", "_made", "_steps")  # every execution that waits has one

    def __init__(self) -> None:
        self._made: list[PendingTask] = []
        """In the program's order."""
        self._steps: list[int] = []
        """For each, which of the program's actions it is, or is in."""
        self._cancelled: list[PendingTask] = []
        """Those that are not settled yet."""

    def add(self, timer: PendingTask, step: int, cancelled: bool) -> None:
        self._made.append(timer)
        self._steps.append(step)
        if cancelled:
            self._cancel(timer)

    def mark(self, program: Sequence[Action], known: int) -> None:
        """``program`` as it is now; the first ``known`` actions are as they were."""
        first = bisect_left(self._steps, known)
        if first < len(self._made):
            for timer, action in zip(self._made[first:], _timers_of(program[known:]), strict=False):
                if action.cancelled and not timer.cancelled:
                    self._cancel(timer)

    def _cancel(self, timer: PendingTask) -> None:
        timer.cancelled = True
        self._cancelled.append(timer)

    def release(self) -> None:
        while self._cancelled:
            self._cancelled.pop(0).settle()


def _timers_of(actions: Iterable[Action]) -> Iterator[CreateTimer]:
    for action in actions:
        if isinstance(action, CreateTimer):
            yield action
        elif isinstance(action, (WhenAny, WhenAll)):
            yield from _timers_of(action.actions)
