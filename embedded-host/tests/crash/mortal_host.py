"""A host that dies and is started again, on one state and one port."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import sys
import time
from pathlib import Path

import psutil

from tests.crash import shim
from tests.crash.lives import DISK_ENDS, Life
from tests.crash.load_app import load_app
from tests.support.running_host import command, environment

START = 90.0
"""Seconds in which a host must be ready, on a machine that has much else to do."""
NOTICE = 60.0
"""Seconds in which a host whose disk fails must have ended."""
KILLED = 15 if sys.platform == "win32" else -signal.SIGKILL
"""What a host that the launcher or the shim has killed ends with."""
UNREACHED = 3.0
"""Seconds after which a host that has not come to the point of its death is killed where it is."""


class UnexpectedLogError(Exception):
    """The host did what it may not; the text says what, with the end of its log."""


class MortalHost:
    def __init__(self, folder: Path, library: Path | None, workers: int) -> None:
        self.folder, self.state = folder, folder / "state"
        self.app = load_app(folder)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.clock = shim.ClockFile(folder / "clock")
        self._furthest = 0.0
        self._library, self._workers = library, workers
        self._log = folder / "log"
        self._undo = folder / "undo"
        self._process: asyncio.subprocess.Process | None = None
        self._orphans: set[psutil.Process] = set()
        self._life = "its last life"
        self.workers_killed = 0
        self.undone = 0
        """Unsynced writes that power cuts have taken back."""

    @property
    def log(self) -> str:
        """What the host has printed in this life."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    async def start(self, life: Life | None = None) -> None:
        """``life`` None is one without an end."""
        fault = ""
        if life and life.at and "-" in life.end and life.end != "before-stage":
            fault = f"{life.end}:{life.at}"
        elif life and life.short_writes:
            fault = f"short-write:{life.short_writes}"
        undo = self._undo if life and life.power_cut else None
        environ = shim.environment(self._library, fault=fault, undo=undo, clock=self.clock.file)
        environ["FUNCTIONS_WORKER_PROCESS_COUNT"] = str(self._workers)
        line = command(self.app.root, self.state, port=self.port)
        if life and not fault and life.at:
            line[1:3] = ["-m", "tests.crash.launcher", f"{life.end}:{life.at}"]
        elif self._library is None:
            line[1:3] = ["-m", "tests.crash.launcher", "none:0"]
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".before"))
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *line,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(**environ),
            )

    async def live(self, life: Life, chance: random.Random) -> str:
        """From its start to its end: ``killed``, or ``ended`` where it has noticed a fault of its disk. Raises UnexpectedLogError."""
        await self.start(life)
        self._life = str(life)
        if life.end == "starting":
            await self._dies_within(life.seconds)
        elif await self._is_ready():
            jump = life.seconds / 2 if life.clock is not None else None
            if life.end == "random":
                await self._live_on(life, chance, jump)
            else:
                if jump is not None:
                    await self._dies_within(jump)
                    self._jump(life)
                await self._dies_within(UNREACHED)
        how = await self._end(life)
        if life.power_cut:
            self.undone += shim.power_cut(self.state, self._undo, chance)
        return how

    async def _live_on(self, life: Life, chance: random.Random, jump: float | None) -> None:
        moments = sorted(
            [*(chance.uniform(0, life.seconds) for _ in range(life.worker_kills)), life.seconds]
        )
        at = 0.0
        for moment in moments:
            if jump is not None and at <= jump < moment:
                self._jump(life)
            await asyncio.sleep(moment - at)
            at = moment
            if moment != life.seconds:
                self._kill_a_worker(chance)

    def _jump(self, life: Life) -> None:
        assert life.clock is not None
        self.clock.jump(self._furthest + life.clock)
        self._furthest = max(self._furthest, self.clock.offset)

    def right_clock(self) -> None:
        """So late that nothing waits for it to get later."""
        self.clock.jump(self._furthest + 5)

    async def ready(self) -> None:
        """Raises UnexpectedLogError."""
        if not await self._is_ready():
            assert self._process is not None
            raise UnexpectedLogError(
                f"the host ended with {self._process.returncode}: {self.log[-3000:]}"
            )

    async def _is_ready(self) -> bool:
        """False if it has ended before."""
        assert self._process is not None
        limit = time.monotonic() + START
        while time.monotonic() < limit:
            if self._process.returncode is not None:
                return False
            if "Ready at " in self.log:
                self._orphans.update(self._children())
                return True
            await asyncio.sleep(0.02)
        raise UnexpectedLogError(
            f"the host was not ready after {START} s ({self._life}): {self.log[-3000:]}"
        )

    async def _dies_within(self, seconds: float) -> bool:
        assert self._process is not None
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def _end(self, life: Life) -> str:
        process = self._process
        assert process is not None
        if process.returncode is None and life.end in DISK_ENDS and "The state file" in self.log:
            await self._dies_within(NOTICE)
            if process.returncode is None:
                raise UnexpectedLogError(
                    f"its disk has failed ({life}), but it goes on: {self.log[-3000:]}"
                )
        if process.returncode is None:
            await self.kill()
            return "killed"
        if process.returncode == KILLED:
            return "killed"
        log = self.log
        if life.end in DISK_ENDS and process.returncode == 1 and "The state" in log[-1500:]:
            return "ended"
        raise UnexpectedLogError(
            f"the host ended by itself with {process.returncode} ({life}): {log[-4000:]}"
        )

    async def kill(self) -> None:
        """SIGKILL, or TerminateProcess on Windows: no line of its code runs any more."""
        assert self._process is not None
        self._orphans.update(self._children())
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """In good order. Raises UnexpectedLogError."""
        assert self._process is not None
        self._orphans.update(self._children())
        self._process.terminate()
        if not await self._dies_within(30):
            raise UnexpectedLogError(f"the host does not stop: {self.log[-3000:]}")

    def _kill_a_worker(self, chance: random.Random) -> None:
        if workers := self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(workers).kill()
                self.workers_killed += 1

    def _children(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            found: list[psutil.Process] = psutil.Process(self._process.pid).children(recursive=True)
            return found
        except psutil.NoSuchProcess:
            return []

    async def close(self) -> list[str]:
        """Kill what is left; which workers have outlived their hosts."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        limit = time.monotonic() + 10
        left = self._left()
        while left and time.monotonic() < limit:
            await asyncio.sleep(0.05)
            left = self._left()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.clock.close()
        return [f"a worker (pid {process.pid}) outlived its host" for process in left]

    def _left(self) -> list[psutil.Process]:
        left = []
        for process in self._orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    left.append(process)
        return left


def free_port() -> int:
    """Not one of those that the system gives to outgoing connections: it must be free again after every death."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
