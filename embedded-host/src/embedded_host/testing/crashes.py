"""Crashes of the host at every turn of an orchestration, and their effect on its outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, overload

from embedded_host.errors import EmbeddedHostError
from embedded_host.testing.app import DurableApp, SyncDurableApp
from embedded_host.testing.errors import LivelockError, NotFinishedError
from embedded_host.testing.instance_handle import InstanceHandle

__tracebackhide__ = True

Scenario = Callable[[DurableApp], Awaitable[InstanceHandle]]


class CrashChangedOutcomeError(EmbeddedHostError, AssertionError):
    """A crash of the host changed the outcome of an orchestration."""

    def __init__(self, message: str, runs: list[CrashRun]) -> None:
        super().__init__(message)
        self.runs = runs
        """All runs, the one without a crash first."""


@dataclass(frozen=True)
class CrashRun:
    """One run of an orchestration."""

    turn: int
    """The turn at which the host was killed; 0 in the run without a crash."""
    recorded: bool
    """Whether the turn was recorded when the host was killed. If not, it ran again."""
    status: str
    output: Any
    custom_status: Any
    also: Any
    """The result of the test's ``also``."""
    activity_runs: dict[str, int]
    """The number of runs of each activity, by name."""

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What all runs must have in common."""
        return (self.status, self.output, self.custom_status, self.also)

    def __str__(self) -> str:
        when = "after" if self.recorded else "before"
        place = f"crash {when} turn {self.turn} was recorded" if self.turn else "without a crash"
        parts = [f"{self.status}, {self.output!r}"]
        parts += [f"custom status {self.custom_status!r}"] if self.custom_status is not None else []
        parts += [f"and {self.also!r}"] if self.also is not None else []
        return f"{place}: {', '.join(parts)}"


@overload
def crash_everywhere(
    app: DurableApp,
    orchestration: str | Scenario,
    input: Any = None,
    *,
    instance_id: str = ...,
    before: Callable[[], object] | None = ...,
    also: Callable[[], Any] | None = ...,
) -> Coroutine[Any, Any, list[CrashRun]]: ...


@overload
def crash_everywhere(
    app: SyncDurableApp,
    orchestration: str | Scenario,
    input: Any = None,
    *,
    instance_id: str = ...,
    before: Callable[[], object] | None = ...,
    also: Callable[[], Any] | None = ...,
) -> list[CrashRun]: ...


def crash_everywhere(
    app: DurableApp | SyncDurableApp,
    orchestration: str | Scenario,
    input: Any = None,
    *,
    instance_id: str = "crash-everywhere",
    before: Callable[[], object] | None = None,
    also: Callable[[], Any] | None = None,
) -> Coroutine[Any, Any, list[CrashRun]] | list[CrashRun]:
    """Run an orchestration without a crash and then twice for each of its turns, with a crash of the host: once before the turn
    is recorded, so that what led to it runs again, and once after. Each run begins with ``app.reset()``.

    An activity that has an effect twice when it runs twice changes the outcome. The outcome is the status, the output, the
    custom status and the result of ``also``.

    Args:
        app: The app under test.
        orchestration: An orchestrator's name, or a coroutine function that takes a DurableApp, starts an instance, raises
            events and the like, and returns the instance.
        input: The orchestrator's input, if ``orchestration`` is a name.
        instance_id: The instance's id, if ``orchestration`` is a name.
        before: Called before each run, to undo the effects of the previous one.
        also: Called after each run. It returns the effects of the activities, for example the rows of a table.

    Returns:
        All runs, the one without a crash first. With a SyncDurableApp they are returned directly, otherwise awaited.

    Raises:
        CrashChangedOutcomeError: A run's outcome differs from that without a crash.
        NotFinishedError: The run without a crash does not finish. LivelockError, if it does not end.
        UnknownFunctionError: The app has no orchestrator of this name.
    """
    if isinstance(app, SyncDurableApp):
        return app.run_async(
            _crash_everywhere(app.asynchronous, orchestration, input, instance_id, before, also)
        )
    return _crash_everywhere(app, orchestration, input, instance_id, before, also)


async def _crash_everywhere(
    app: DurableApp,
    orchestration: str | Scenario,
    input: Any,
    instance_id: str,
    before: Callable[[], object] | None,
    also: Callable[[], Any] | None,
) -> list[CrashRun]:
    async def once(turn: int = 0, recorded: bool = True) -> CrashRun:
        await app.reset()
        if turn:
            await app.crash_at(turn, recorded=recorded)
        if before is not None:
            before()
        try:
            if isinstance(orchestration, str):
                instance = await app.run(orchestration, input, instance_id=instance_id)
            else:
                instance = await orchestration(app)
        except (NotFinishedError, LivelockError) as error:
            if not turn:
                raise
            outcome: tuple[str, Any, Any] = (type(error).__name__, str(error), None)
        else:
            outcome = (instance.status, instance.output, instance.custom_status)
        return CrashRun(
            turn, recorded, *outcome, also() if also is not None else None, app.activity_runs
        )

    runs = [await once()]
    crashes = [(turn, recorded) for turn in range(1, app.turns + 1) for recorded in (False, True)]
    runs += [await once(turn, recorded) for turn, recorded in crashes]
    if text := _differences(
        orchestration if isinstance(orchestration, str) else "the scenario", runs
    ):
        raise CrashChangedOutcomeError(text, runs)
    return runs


def _differences(name: str, runs: list[CrashRun]) -> str:
    """Return the message of CrashChangedOutcomeError, or an empty string if all outcomes are the same."""
    undisturbed, *crashed = runs
    lines = []
    for run in crashed:
        if run.outcome == undisturbed.outcome:
            continue
        lines.append(f"  {run}")
        again = [
            f"{activity} ({count} times instead of {undisturbed.activity_runs.get(activity, 0)})"
            for activity, count in run.activity_runs.items()
            if count > undisturbed.activity_runs.get(activity, 0)
        ]
        lines += [f"    ran again: {', '.join(again)}"] if again else []
    if not lines:
        return ""
    return "\n".join(
        [
            f"A crash of the host changes the outcome of {name}:",
            f"  {undisturbed}",
            *lines,
            "An activity runs again if the host stops before its result is recorded. Make it idempotent: two runs must have the "
            "effect of one. [EH607]",
        ]
    )
