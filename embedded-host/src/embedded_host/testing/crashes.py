"""Crashes of the host at each turn of an orchestration, and their effect on its outcome."""

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
"""An async function that starts an instance, may raise events, and returns the instance."""


class CrashChangedOutcomeError(EmbeddedHostError, AssertionError):
    """A crash of the host changed the outcome of an orchestration."""

    def __init__(self, message: str, runs: list[CrashRun]) -> None:
        super().__init__(message)
        self.runs = runs
        """The runs, in order. The first run has no crash."""


@dataclass(frozen=True)
class CrashRun:
    """One run of an orchestration."""

    turn: int
    """The turn at which the host was killed; 0 in the run without a crash."""
    recorded: bool
    """True if the host was killed after the turn was recorded. If False, the turn ran again."""
    status: str
    """The instance's runtime status, or the class name of the error if the run did not finish."""
    output: Any
    """The instance's output, or the message of the error if the run did not finish."""
    custom_status: Any
    """The instance's custom status."""
    also: Any
    """The result of the argument ``also`` of ``crash_everywhere``."""
    activity_runs: dict[str, int]
    """The number of runs of each activity, by name."""

    @property
    def outcome(self) -> tuple[object, ...]:
        """The values that must be equal in all runs: status, output, custom status and ``also``."""
        return (self.status, self.output, self.custom_status, self.also)

    def __str__(self) -> str:
        order = "after" if self.recorded else "before"
        title = f"crash {order} turn {self.turn} was recorded" if self.turn else "without a crash"
        parts = [f"{self.status}, {self.output!r}"]
        parts += [f"custom status {self.custom_status!r}"] if self.custom_status is not None else []
        parts += [f"and {self.also!r}"] if self.also is not None else []
        return f"{title}: {', '.join(parts)}"


@overload
def crash_everywhere(
    app: DurableApp,
    orchestration: str | Scenario,
    input: object = None,
    *,
    instance_id: str = ...,
    before: Callable[[], object] | None = ...,
    also: Callable[[], object] | None = ...,
) -> Coroutine[None, None, list[CrashRun]]: ...


@overload
def crash_everywhere(
    app: SyncDurableApp,
    orchestration: str | Scenario,
    input: object = None,
    *,
    instance_id: str = ...,
    before: Callable[[], object] | None = ...,
    also: Callable[[], object] | None = ...,
) -> list[CrashRun]: ...


def crash_everywhere(
    app: DurableApp | SyncDurableApp,
    orchestration: str | Scenario,
    input: object = None,
    *,
    instance_id: str = "crash-everywhere",
    before: Callable[[], object] | None = None,
    also: Callable[[], object] | None = None,
) -> Coroutine[None, None, list[CrashRun]] | list[CrashRun]:
    """Assert that a crash of the host at any turn does not change an orchestration's outcome.

    The orchestration runs once without a crash. Then it runs twice for each of its turns: once with
    a crash before the turn is recorded, and once with a crash after the turn is recorded. In the
    first of these two runs, the turn runs again, and also the activity whose result the turn
    received. Each run begins with ``app.reset()``.

    The outcome is the status, the output, the custom status and the result of ``also``. An activity
    that is not idempotent can change the outcome.

    Args:
        app: The app under test.
        orchestration: An orchestrator's name, or an async function. The function receives the
            DurableApp, starts an instance, may raise events, and returns the instance.
        input: The orchestrator's input, if ``orchestration`` is a name.
        instance_id: The instance's id, if ``orchestration`` is a name.
        before: A function that is called before each run, to undo the effects of the previous run.
        also: A function that is called after each run. It returns the effects of the activities,
            for example the rows of a table.

    Returns:
        The runs, in order. The first run has no crash. For a DurableApp, this function returns a
        coroutine of the list. For a SyncDurableApp, it returns the list.

    Raises:
        CrashChangedOutcomeError: The outcome of a run differs from the outcome without a crash.
        NotFinishedError: The run without a crash does not finish.
        LivelockError: The run without a crash exceeds the app's limit of functions and turns.
        UnknownFunctionError: The app has no orchestrator of this name.

    Example:
        ```python
        async def test_orders_survive_crashes(durable_app: DurableApp):
            await crash_everywhere(
                durable_app, "OrderFlow", {"item": "book"}, before=clear_table, also=read_table
            )
        ```
    """
    if isinstance(app, SyncDurableApp):
        return app.run_async(
            _crash_everywhere(app.asynchronous, orchestration, input, instance_id, before, also)
        )
    return _crash_everywhere(app, orchestration, input, instance_id, before, also)


async def _crash_everywhere(
    app: DurableApp,
    orchestration: str | Scenario,
    input: object,
    instance_id: str,
    before: Callable[[], object] | None,
    also: Callable[[], object] | None,
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
            outcome: tuple[str, object, object] = (type(error).__name__, str(error), None)
        else:
            outcome = (instance.status, instance.output, instance.custom_status)
        return CrashRun(
            turn, recorded, *outcome, also() if also is not None else None, app.activity_runs
        )

    runs = [await once()]
    crashes = [(turn, recorded) for turn in range(1, app.turns + 1) for recorded in (False, True)]
    runs += [await once(turn, recorded) for turn, recorded in crashes]
    name = orchestration if isinstance(orchestration, str) else "the scenario"
    if differences := _differences(name, runs):
        raise CrashChangedOutcomeError(differences, runs)
    return runs


def _differences(name: str, runs: list[CrashRun]) -> str:
    """Return the message of CrashChangedOutcomeError, or an empty string if no outcome differs."""
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
            "An activity runs again if the host stops before its result is recorded. Make the "
            "activity idempotent: two runs must have the same effect as one run. [EH607]",
        ]
    )
