"""The measured host: a process that runs ``embedded_host start`` with ``benchmarks/app``."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from types import TracebackType

import aiohttp

from benchmarks import processes
from benchmarks.client import Client

APP = Path(__file__).parent / "app"


class HostExitedError(Exception):
    """The host exited during a measurement. The message has the end of its log."""


class Host:
    """A host process: ``async with Host(python, state) as host`` starts it and stops it.

    The block begins when the first HelloOrchestrator has completed.
    """

    def __init__(
        self, python: Path, state: Path, app: Path = APP, app_python: Path | None = None
    ) -> None:
        """Create a host that is not started.

        ``state`` is the state folder, which may contain the state of an earlier host.
        ``app_python`` is the interpreter of the app, by default that of the host.
        """
        self._app = ["--script-root", str(app)]
        if app_python is not None:
            self._app += ["--python", str(app_python)]
        self.state = state
        self._log = state.with_name(f"{state.name}.log")
        self._python = python
        self.started_in = 0.0
        """Seconds from the start of the process until the first instance has completed."""

    async def __aenter__(self) -> Host:
        port = _free_port()
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self.process = processes.spawn(
                [
                    *(str(self._python), "-m", "embedded_host", "start", "--no-reload"),
                    *self._app,
                    *("--state", str(self.state), "--port", str(port)),
                ],
                out=log,
                err=log,
                cwd=APP.parents[1],
            )
        self.client = Client(f"http://127.0.0.1:{port}")
        try:
            await asyncio.wait_for(self._first_hello(), 120)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        self.started_in = time.perf_counter() - began
        return self

    async def _first_hello(self) -> None:
        while True:
            try:
                return await self.client.hello()
            except aiohttp.ClientConnectionError:
                if self.process.poll() is not None:
                    last = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise HostExitedError(
                        f"The host exited with code {self.process.returncode}:\n{last}"
                    ) from None
                await asyncio.sleep(0.005)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.client.close()
        finally:
            processes.stop(self.process)

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of the host and its workers since their start."""
        return processes.cpu_seconds(self.process)

    @property
    def memory_mib(self) -> float:
        """The resident memory of the host and its workers."""
        return processes.memory_mib(self.process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
