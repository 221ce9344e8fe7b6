"""A host that crashes and is started again with the same state and the same port."""

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
from tests.crash.load_app import load_app
from tests.crash.sessions import DISK_ENDS, HostSession
from tests.support.running_host import command, environment

START = 90.0
"""Seconds within which a host must be ready. It allows for a busy machine."""
NOTICE = 60.0
"""Seconds within which a host with a failing disk must exit."""
KILLED = 15 if sys.platform == "win32" else -signal.SIGKILL
"""Return code of a host that the launcher or the shim has killed."""
UNREACHED = 3.0
"""Seconds after which a host is killed if it has not reached the planned end of its session."""


class UnexpectedLogError(Exception):
    """The host behaved incorrectly. The message contains the end of its log."""


class CrashingHost:
    """A host process with a state in ``folder``, and the app under load."""

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
        self._current = "the last session"
        self.workers_killed = 0
        self.undone = 0
        """Number of unsynced writes that power cuts have reverted."""

    @property
    def log(self) -> str:
        """The output of the host in this session."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    async def start(self, session: HostSession | None = None) -> None:
        """Start the host process. None means a session without a planned end."""
        fault = ""
        if session and session.nth and "-" in session.end and session.end != "before-stage":
            fault = f"{session.end}:{session.nth}"
        elif session and session.short_writes:
            fault = f"short-write:{session.short_writes}"
        undo = self._undo if session and session.power_cut else None
        environ = shim.environment(self._library, fault=fault, undo=undo, clock=self.clock.file)
        environ["FUNCTIONS_WORKER_PROCESS_COUNT"] = str(self._workers)
        line = command(self.app.root, self.state, port=self.port)
        if session and not fault and session.nth:
            line[1:3] = ["-m", "tests.crash.launcher", f"{session.end}:{session.nth}"]
        else:
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

    async def run(self, session: HostSession, chance: random.Random) -> str:
        """Run a session. Return ``killed``, or ``ended`` if the host reported a fault of its disk.

        Raises UnexpectedLogError.
        """
        await self.start(session)
        self._current = str(session)
        if session.end == "starting":
            await self._exits_within(session.seconds)
        elif await self._is_ready():
            jump = session.seconds / 2 if session.clock is not None else None
            if session.end == "random":
                await self._run_for(session, chance, jump)
            else:
                if jump is not None:
                    await self._exits_within(jump)
                    self._jump(session)
                await self._exits_within(UNREACHED)
        how = await self._end(session)
        if session.power_cut:
            self.undone += shim.power_cut(self.state, self._undo, chance)
        return how

    async def _run_for(
        self, session: HostSession, chance: random.Random, jump: float | None
    ) -> None:
        kills = [chance.uniform(0, session.seconds) for _ in range(session.worker_kills)]
        elapsed = 0.0
        for seconds in sorted([*kills, session.seconds]):
            if jump is not None and elapsed <= jump < seconds:
                self._jump(session)
            await asyncio.sleep(seconds - elapsed)
            elapsed = seconds
            if seconds != session.seconds:
                self._kill_a_worker(chance)

    def _jump(self, session: HostSession) -> None:
        assert session.clock is not None
        self.clock.jump(self._furthest + session.clock)
        self._furthest = max(self._furthest, self.clock.offset)

    def right_clock(self) -> None:
        """Set the clock to a time at which all earlier timers are due."""
        self.clock.jump(self._furthest + 5)

    async def ready(self) -> None:
        """Wait until the host is ready. Raises UnexpectedLogError."""
        if not await self._is_ready():
            assert self._process is not None
            raise UnexpectedLogError(
                f"the host exited with {self._process.returncode}: {self.log[-3000:]}"
            )

    async def _is_ready(self) -> bool:
        """Wait until the host is ready. Return False if it exits first."""
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
            f"the host was not ready after {START} s ({self._current}): {self.log[-3000:]}"
        )

    async def _exits_within(self, seconds: float) -> bool:
        assert self._process is not None
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def _end(self, session: HostSession) -> str:
        process = self._process
        assert process is not None
        if process.returncode is None and session.end in DISK_ENDS and "The state file" in self.log:
            await self._exits_within(NOTICE)
            if process.returncode is None:
                raise UnexpectedLogError(
                    f"the disk has failed ({session}), but the host still runs: {self.log[-3000:]}"
                )
        if process.returncode is None:
            await self.kill()
            return "killed"
        if process.returncode == KILLED:
            return "killed"
        log = self.log
        if session.end in DISK_ENDS and process.returncode == 1 and "The state" in log[-1500:]:
            return "ended"
        raise UnexpectedLogError(
            f"the host exited with {process.returncode} ({session}): {log[-4000:]}"
        )

    async def kill(self) -> None:
        """Kill the host by SIGKILL, or by TerminateProcess on Windows."""
        assert self._process is not None
        self._orphans.update(self._children())
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Stop the host by SIGTERM. Raises UnexpectedLogError if it does not exit."""
        assert self._process is not None
        self._orphans.update(self._children())
        self._process.terminate()
        if not await self._exits_within(30):
            raise UnexpectedLogError(f"the host does not stop: {self.log[-3000:]}")

    def _kill_a_worker(self, chance: random.Random) -> None:
        if workers := self._children():
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(workers).kill()
                self.workers_killed += 1

    def _children(self) -> list[psutil.Process]:
        assert self._process is not None
        try:
            processes: list[psutil.Process]
            processes = psutil.Process(self._process.pid).children(recursive=True)
            return processes
        except psutil.NoSuchProcess:
            return []

    async def close(self) -> list[str]:
        """Kill all processes. Return a sentence for each worker that outlived its host."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        limit = time.monotonic() + 10
        remaining = self._remaining()
        while remaining and time.monotonic() < limit:
            await asyncio.sleep(0.05)
            remaining = self._remaining()
        for process in remaining:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.clock.close()
        return [f"a worker (pid {process.pid}) outlived its host" for process in remaining]

    def _remaining(self) -> list[psutil.Process]:
        remaining = []
        for process in self._orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    remaining.append(process)
        return remaining


def free_port() -> int:
    """Return a free port below the ports of outgoing connections.

    No outgoing connection can therefore occupy the port while the host is restarted.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
