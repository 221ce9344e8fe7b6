"""A run: hosts that crash under load, and the check of their states."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from embedded_host.store.files import STATE_FILE
from tests.crash import shim
from tests.crash.checker import Finding, Kind, check, stuck, wrong
from tests.crash.clients import Clients, NeverFinishedError, plan
from tests.crash.crashing_host import CrashingHost, UnexpectedLogError
from tests.crash.evidence import gather, settled
from tests.crash.load_app import RUN_LOG
from tests.crash.requests import Outcome
from tests.crash.sessions import SessionDeck

WIDTH = 24
"""Maximum number of running instances."""
FRESH = 8
"""Maximum number of new instances in a session."""
RUSH = 240.0
"""Seconds after the last crash within which all instances must end.

A timer may detect a jump of the clock 30 s late.
"""


@dataclass
class Tally:
    """The counts and findings of a run."""

    seed: int
    kills: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """Number of sessions by kind of end."""
    workers_killed: int = 0
    disk_failures: int = 0
    power_cuts: int = 0
    undone: int = 0
    """Number of unsynced writes that power cuts have reverted."""
    clock_jumps: int = 0
    instances: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    activities: int = 0
    activity_runs: int = 0
    events: int = 0
    """Number of history events."""
    slow: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        """Return the number of findings of a kind."""
        return sum(finding.kind is kind for finding in self.findings)

    def progress(self, running: int = 0) -> str:
        """Return a line that describes the progress."""
        return (
            f"{self.seconds:6.0f} s  kills {self.kills}  workers {self.workers_killed}  "
            f"disk {self.disk_failures}  power {self.power_cuts}  clock {self.clock_jumps}  "
            f"instances {self.instances} ({running} running)  "
            f"lost {self.count(Kind.LOST)}  wrong {self.count(Kind.WRONG)}  "
            f"stuck {self.count(Kind.STUCK)}"
        )

    def summary(self) -> str:
        """Return the summary of the run. Its last line is the result."""
        ends = ", ".join(f"{end} {n}" for end, n in sorted(self.ends.items()))
        outcomes, repeated = self.outcomes, self.activity_runs - self.activities
        return "\n".join(
            [
                *map(str, self.findings[:40]),
                f"seed {self.seed}, {self.seconds:.0f} s; ends of sessions: {ends}",
                f"{self.workers_killed} workers killed, {self.disk_failures} failing disks, "
                f"{self.power_cuts} power cuts ({self.undone} unsynced writes reverted), "
                f"{self.clock_jumps} jumps of the clock",
                f"{self.instances} instances; requests: {outcomes[Outcome.ACKNOWLEDGED]} "
                f"acknowledged, {outcomes[Outcome.UNKNOWN]} without a response "
                f"({self.slow} timeouts); "
                f"{self.activities} activities, {repeated} repeated runs; "
                f"{self.events} history events",
                f"kills {self.kills}  lost {self.count(Kind.LOST)}  "
                f"wrong {self.count(Kind.WRONG)}  stuck {self.count(Kind.STUCK)}",
            ]
        )


class Run:
    """A run that ends after ``kills`` kills or ``seconds`` seconds.

    Each state is used for ``kills_a_state`` kills and then checked. ``report`` receives lines that
    describe the progress.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        kills: int | None = None,
        seconds: float | None = None,
        kills_a_state: int = 50,
        use_shim: bool = True,
        verbose: bool = False,
        report: Callable[[str], None] = print,
    ) -> None:
        self._folder, self._kills, self._seconds, self._a_state = (
            folder,
            kills,
            seconds,
            kills_a_state,
        )
        self._chance = random.Random(seed)
        self._report, self._verbose = report, verbose
        self.without_shim = shim.reason_for_absence() if use_shim else "--no-shim"
        self._library = None if self.without_shim else shim.compiled(folder)
        self._sessions = SessionDeck(self._chance, shim=self._library is not None)
        self.tally = Tally(seed)
        self._number = 0
        self._began = 0.0

    def stop(self) -> None:
        """Stop the run after the current session and a check of the state."""
        self._seconds = 0.0

    async def run(self) -> Tally:
        """Run until the end, and return the counts and findings."""
        self._began = time.monotonic()
        states = 0
        while self._continues() and not self.tally.findings:
            states += 1
            folder = self._folder / f"state-{states}"
            folder.mkdir()
            await self._use_state(folder)
            self.tally.seconds = time.monotonic() - self._began
            if not self.tally.findings:
                shutil.rmtree(folder)
            else:
                self._report(f"the state with the findings is in {folder}")
        return self.tally

    def _continues(self) -> bool:
        self.tally.seconds = time.monotonic() - self._began
        return (self._kills is None or self.tally.kills < self._kills) and (
            self._seconds is None or self.tally.seconds < self._seconds
        )

    async def _use_state(self, folder: Path) -> None:
        """Use one state for several sessions, and check it."""
        tally = self.tally
        host = CrashingHost(folder, self._library, workers=self._chance.choice((1, 1, 1, 2)))
        clients = Clients(host.base, folder, random.Random(self._chance.random()))
        enough = tally.kills + self._a_state - 1
        try:
            while tally.kills < enough and self._continues():
                for _ in range(min(FRESH, WIDTH - clients.busy)):
                    clients.begin(plan(self._number, self._chance))
                    self._number += 1
                    tally.instances += 1
                await self._run_session(host)
                if tally.kills % 10 == 0:
                    self._report(tally.progress(clients.busy))
            tally.findings += await self._finish(host, clients, folder)
        except (UnexpectedLogError, NeverFinishedError) as error:
            tally.findings.append(stuck(str(error)))
        finally:
            await clients.close()
            tally.findings += [wrong(text) for text in await host.close()]
            tally.undone += host.undone
            tally.slow += clients.slow
            tally.outcomes.update(request.outcome for request in clients.request_log.requests)

    async def _run_session(self, host: CrashingHost) -> None:
        tally, session = self.tally, self._sessions.next()
        workers = host.workers_killed
        how = await host.run(session, self._chance)
        if self._verbose:
            self._report(f"{how}: {session}")
        if how == "killed":
            tally.kills += 1
            tally.power_cuts += session.power_cut
        else:
            tally.disk_failures += 1
        tally.ends[session.end] += 1
        tally.workers_killed += host.workers_killed - workers
        tally.clock_jumps += session.clock is not None

    async def _finish(self, host: CrashingHost, clients: Clients, folder: Path) -> list[Finding]:
        """Wait until all instances have ended, kill the host again, and check the state."""
        tally, state = self.tally, host.state / STATE_FILE
        host.right_clock()
        await host.start()
        await host.ready()
        await clients.finish(RUSH)
        findings = [stuck(text) for text in clients.stuck]
        findings += [wrong(text) for text in clients.problems]
        await settled(state, 30)
        await host.kill()
        tally.kills += 1
        tally.ends["at rest"] += 1
        await host.start()
        await host.ready()
        clients.deadline = time.monotonic() + RUSH
        evidence = await gather(clients.pages, state, folder / RUN_LOG)
        findings += check(clients.request_log, evidence)
        tally.activities += len(evidence.runs)
        tally.activity_runs += sum(sum(runs.values()) for runs in evidence.runs.values())
        tally.events += sum(len(turn) for turns in evidence.histories.values() for turn in turns)
        await host.stop()
        return findings
