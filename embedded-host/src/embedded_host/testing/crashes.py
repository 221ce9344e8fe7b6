"""Does an orchestration come to the same when the host dies on the way?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, overload

from embedded_host.errors import EmbeddedHostError
from embedded_host.testing.app import DurableApp
from embedded_host.testing.host_run import Crash, LivelockError
from embedded_host.testing.instance import Instance
from embedded_host.testing.sync import SyncDurableApp
from embedded_host.testing.virtual_clock import NotFinishedError

Scenario = Callable[[DurableApp], Awaitable[Instance]]


class CrashChangedOutcomeError(EmbeddedHostError, AssertionError):
    """With a crash the orchestration came to something else. ``runs`` are all that were made."""

    def __init__(self, text: str, runs: list[CrashRun]) -> None:
        super().__init__(text)
        self.runs = runs


@dataclass(frozen=True)
class CrashRun:
    """One run. ``turn`` 0 is the one without a crash."""

    turn: int
    recorded: bool
    """Whether the turn was on disk when the host died, or was lost and had to be taken again."""
    status: str
    output: Any
    custom_status: Any
    also: Any
    """What the test looked at besides."""
    activity_runs: dict[str, int]
    """How often each activity ran."""

    @property
    def outcome(self) -> tuple[Any, ...]:
        return (self.status, self.output, self.custom_status, self.also)

    def __str__(self) -> str:
        when = "recorded, nothing after it begun" if self.recorded else "run, and not recorded"
        place = f"crash with turn {self.turn} {when}" if self.turn else "without a crash"
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
    """Run an orchestration once as it is, and then twice for every turn that it has, with a crash of the host after that turn:
    once when all of the turn is lost, so that what led to it runs again, and once when it is just recorded. Each run begins with
    ``app.reset()``.

    The outcome is the status, the output, the custom status and what ``also`` returns: let it return what the activities have
    done to the world (a ledger, a table), and have ``before`` put that back before each run. An activity that does a thing twice
    when it runs twice is found by that. ``orchestration`` is a name, or a coroutine function that takes the app, starts something,
    raises events and the like, and returns the instance. Raises CrashChangedOutcomeError if any run differs from the first."""
    over_async = app.app if isinstance(app, SyncDurableApp) else app
    crashing = _crash_everywhere(over_async, orchestration, input, instance_id, before, also)
    return app.do(crashing) if isinstance(app, SyncDurableApp) else crashing


async def _crash_everywhere(
    app: DurableApp,
    orchestration: str | Scenario,
    input: Any,
    instance_id: str,
    before: Callable[[], object] | None,
    also: Callable[[], Any] | None,
) -> list[CrashRun]:
    async def once(crash: Crash | None) -> CrashRun:
        await app.reset(crash=crash)
        if before is not None:
            before()
        turn, recorded = (crash.turn, crash.recorded) if crash else (0, True)
        try:
            if isinstance(orchestration, str):
                instance = await app.run(orchestration, input, instance_id=instance_id)
            else:
                instance = await orchestration(app)
        except (NotFinishedError, LivelockError) as error:
            if crash is None:
                raise
            outcome: tuple[str, Any, Any] = (type(error).__name__, str(error), None)
        else:
            outcome = (instance.status, instance.output, instance.custom_status)
        return CrashRun(turn, recorded, *outcome, also() if also is not None else None, app.activity_runs)

    runs = [await once(None)]
    crashes = [Crash(turn, recorded) for turn in range(1, app.turns + 1) for recorded in (False, True)]
    runs += [await once(crash) for crash in crashes]
    if text := _differences(orchestration if isinstance(orchestration, str) else "The scenario", runs):
        raise CrashChangedOutcomeError(text, runs)
    return runs


def _differences(name: str, runs: list[CrashRun]) -> str:
    whole, *crashed = runs
    lines = []
    for run in crashed:
        if run.outcome == whole.outcome:
            continue
        lines.append(f"  {run}")
        again = [
            f"{activity} ({count} times instead of {whole.activity_runs.get(activity, 0)})"
            for activity, count in run.activity_runs.items()
            if count > whole.activity_runs.get(activity, 0)
        ]
        lines += [f"    ran again: {', '.join(again)}"] if again else []
    if not lines:
        return ""
    return "\n".join(
        [
            f"{name} comes to something else when the host crashes on the way:",
            f"  {whole}",
            *lines,
            "An activity runs again if the host dies before its result is recorded: what it does must come to the same when it is "
            "done twice. [EH607]",
        ]
    )
