"""The timers that an orchestrator has created, and their cancellation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil

from embedded_host.engine.actions import Action, CreateTimer, WhenAll, WhenAny
from embedded_host.engine.task import PendingTask


class Timers:
    """The timers of one execution, without the timers that delay retries.

    A cancelled timer does not keep the execution open. It settles at the end of the turn. The
    actions that wait for it therefore get their ids after the other actions of the turn, as in the
    SDK.
    """

    __slots__ = ("_cancelled", "_steps", "_timers")  # one object for each waiting execution

    def __init__(self) -> None:
        self._timers: list[PendingTask] = []
        """The timers, in the order in which the orchestrator created them."""
        self._steps: list[int] = []
        """Index of each timer's top-level action in the program."""
        self._cancelled: list[PendingTask] = []
        """Cancelled timers that are not settled yet."""

    def add(self, timer: PendingTask, step: int, cancelled: bool) -> None:
        """Add the timer of the top-level action at index ``step``."""
        self._timers.append(timer)
        self._steps.append(step)
        if cancelled:
            self._cancel(timer)

    def mark(self, program: Sequence[Action], unchanged: int) -> None:
        """Cancel the timers whose actions in ``program`` are cancelled.

        The first ``unchanged`` actions are the same as in the previous turn and are not checked.
        """
        first = bisect_left(self._steps, unchanged)
        if first < len(self._timers):
            for timer, action in zip(
                self._timers[first:], _timers_of(program[unchanged:]), strict=False
            ):
                if action.cancelled and not timer.cancelled:
                    self._cancel(timer)

    def _cancel(self, timer: PendingTask) -> None:
        timer.cancelled = True
        self._cancelled.append(timer)

    def release(self) -> None:
        """Settle the cancelled timers."""
        while self._cancelled:
            self._cancelled.pop(0).settle()


def fire_time_on_azure(fire_at: datetime, created: datetime) -> datetime:
    """Return the time at which the Azure Functions host fires a timer on Azure Storage.

    The host delays the message of the timer by whole seconds, rounded down, and some time passes
    between the start of the turn and the message (functions-host.md#effects-of-actions). The host
    therefore fires a timer of one second at once, and a timer of two seconds after one second.
    """
    seconds = (fire_at - created) / timedelta(seconds=1)
    return created + timedelta(seconds=max(0, ceil(seconds) - 1))


def _timers_of(actions: Iterable[Action]) -> Iterator[CreateTimer]:
    for action in actions:
        if isinstance(action, CreateTimer):
            yield action
        elif isinstance(action, (WhenAny, WhenAll)):
            yield from _timers_of(action.actions)
