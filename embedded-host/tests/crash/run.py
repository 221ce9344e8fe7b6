"""A run: hosts that live and die under load, and what is found in the end."""

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
from tests.crash.acknowledged import Told
from tests.crash.checker import Finding, Kind, check, stuck, wrong
from tests.crash.clients import Clients, NeverFinishedError, plan
from tests.crash.evidence import gather, settled
from tests.crash.lives import Lives
from tests.crash.load_app import LEDGER
from tests.crash.mortal_host import MortalHost, UnexpectedLogError

WIDTH = 24
"""Instances under way at a time."""
FRESH = 8
"""New ones in a life, at most."""
RUSH = 240.0
"""Seconds in which everything must come to its end once the host is left alive: a timer may notice a jump of the clock 30 s late."""


@dataclass
class Tally:
    """What a run came to."""

    seed: int
    kills: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """Lives by how they ended."""
    workers_killed: int = 0
    disk_failures: int = 0
    power_cuts: int = 0
    undone: int = 0
    clock_jumps: int = 0
    instances: int = 0
    told: Counter[str] = field(default_factory=Counter)
    activities: int = 0
    activity_runs: int = 0
    events: int = 0
    """Of all histories."""
    slow: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def found(self, kind: Kind) -> int:
        return sum(finding.kind is kind for finding in self.findings)

    def progress(self, under_way: int = 0) -> str:
        return (
            f"{self.seconds:6.0f} s  kills {self.kills}  workers {self.workers_killed}  disk {self.disk_failures}  "
            f"power {self.power_cuts}  clock {self.clock_jumps}  instances {self.instances} ({under_way} under way)  "
            f"lost {self.found(Kind.LOST)}  wrong {self.found(Kind.WRONG)}  stuck {self.found(Kind.STUCK)}"
        )

    def summary(self) -> str:
        ends = ", ".join(f"{end} {n}" for end, n in sorted(self.ends.items()))
        told, again = self.told, self.activity_runs - self.activities
        return "\n".join(
            [
                *map(str, self.findings[:40]),
                f"seed {self.seed}, {self.seconds:.0f} s; lives that ended: {ends}",
                f"{self.workers_killed} workers killed, {self.disk_failures} failing disks, {self.power_cuts} power cuts "
                f"({self.undone} unsynced writes undone), {self.clock_jumps} jumps of the clock",
                f"{self.instances} instances; requests: {told[Told.ACKNOWLEDGED]} acknowledged, {told[Told.UNKNOWN]} not "
                f"answered ({self.slow} of them too slow); {self.activities} activities, {again} runs more than one each; "
                f"{self.events} history events",
                f"kills {self.kills}  lost {self.found(Kind.LOST)}  wrong {self.found(Kind.WRONG)}  "
                f"stuck {self.found(Kind.STUCK)}",
            ]
        )


class Run:
    """Until ``kills`` kills or ``seconds`` seconds, whichever comes first. Each state is used for ``kills_a_state`` kills, then all
    of it is checked. ``say`` is told of the progress."""

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
        say: Callable[[str], None] = print,
    ) -> None:
        self._folder, self._kills, self._seconds, self._a_state = (
            folder,
            kills,
            seconds,
            kills_a_state,
        )
        self._chance = random.Random(seed)
        self._say, self._verbose = say, verbose
        self.without_shim = shim.why_not() if use_shim else "left out"
        self._library = None if self.without_shim else shim.compiled(folder)
        self._lives = Lives(self._chance, shim=self._library is not None)
        self.tally = Tally(seed)
        self._number = 0
        self._began = 0.0

    def stop(self) -> None:
        """After this life: what there is comes to its end and is checked."""
        self._seconds = 0.0

    async def run(self) -> Tally:
        self._began = time.monotonic()
        states = 0
        while self._goes_on() and not self.tally.findings:
            states += 1
            folder = self._folder / f"state-{states}"
            folder.mkdir()
            await self._use_up(folder)
            self.tally.seconds = time.monotonic() - self._began
            if not self.tally.findings:
                shutil.rmtree(folder)
            else:
                self._say(f"what was found is in {folder}")
        return self.tally

    def _goes_on(self) -> bool:
        self.tally.seconds = time.monotonic() - self._began
        return (self._kills is None or self.tally.kills < self._kills) and (
            self._seconds is None or self.tally.seconds < self._seconds
        )

    async def _use_up(self, folder: Path) -> None:
        """One state: its lives, and the check."""
        tally = self.tally
        host = MortalHost(folder, self._library, workers=self._chance.choice((1, 1, 1, 2)))
        clients = Clients(host.base, folder, random.Random(self._chance.random()))
        enough = tally.kills + self._a_state - 1
        try:
            while tally.kills < enough and self._goes_on():
                for _ in range(min(FRESH, WIDTH - clients.busy)):
                    clients.begin(plan(self._number, self._chance))
                    self._number += 1
                    tally.instances += 1
                await self._one_life(host)
                if tally.kills % 10 == 0:
                    self._say(tally.progress(clients.busy))
            tally.findings += await self._finish(host, clients, folder)
        except (UnexpectedLogError, NeverFinishedError) as error:
            tally.findings.append(stuck(str(error)))
        finally:
            await clients.close()
            tally.findings += [wrong(text) for text in await host.close()]
            tally.undone += host.undone
            tally.slow += clients.slow
            tally.told.update(asked.told for asked in clients.ledger.asked)

    async def _one_life(self, host: MortalHost) -> None:
        tally, life = self.tally, self._lives.next()
        workers = host.workers_killed
        how = await host.live(life, self._chance)
        if self._verbose:
            self._say(f"{how}: {life}")
        if how == "killed":
            tally.kills += 1
            tally.power_cuts += life.power_cut
        else:
            tally.disk_failures += 1
        tally.ends[life.end] += 1
        tally.workers_killed += host.workers_killed - workers
        tally.clock_jumps += life.clock is not None

    async def _finish(self, host: MortalHost, clients: Clients, folder: Path) -> list[Finding]:
        """Let everything come to its end, kill the host once more, and look at what is there then."""
        tally, state = self.tally, host.state / STATE_FILE
        host.right_clock()
        await host.start()
        await host.ready()
        await clients.finish(RUSH)
        found = [stuck(text) for text in clients.stuck] + [wrong(text) for text in clients.problems]
        await settled(state, 30)
        await host.kill()
        tally.kills += 1
        tally.ends["at rest"] += 1
        await host.start()
        await host.ready()
        clients.deadline = time.monotonic() + RUSH
        evidence = await gather(clients.pages, state, folder / LEDGER)
        found += check(clients.ledger, evidence)
        tally.activities += len(evidence.runs)
        tally.activity_runs += sum(sum(runs.values()) for runs in evidence.runs.values())
        tally.events += sum(len(turn) for turns in evidence.histories.values() for turn in turns)
        await host.stop()
        return found
