"""A host that is killed at random moments loses nothing that it has acknowledged, and finishes everything.

EMBEDDED_HOST_KILLS says how often it is killed (10), EMBEDDED_HOST_SEED repeats a run that failed.
"""

from __future__ import annotations

import json
import os
import queue
import random
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.crash.crash_app import Planned, crash_app, plan
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, Answer, command, environment, http

KILLS = int(os.environ.get("EMBEDDED_HOST_KILLS", "10"))
SEED = int(os.environ.get("EMBEDDED_HOST_SEED") or random.SystemRandom().randrange(10**6))
ORCHESTRATIONS = max(50, KILLS * 4)
CLIENTS = 4
RUSH = 60.0
"""Seconds in which all must be acknowledged once the host is left alive."""


class MortalHost:
    """A host that is killed and started again, on one state and one port."""

    def __init__(self, folder: Path) -> None:
        self.app = crash_app(folder / "app")
        self.steps = folder / "steps"
        self._folder = folder
        self._log = folder / "log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._orphans: list[psutil.Process] = []

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command(self.app.root, self._folder / "state", port=self.port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
            )

    def kill(self) -> None:
        """SIGKILL, or TerminateProcess on Windows: no line of its code runs any more."""
        assert self.process is not None
        assert self.process.poll() is None, f"the host ended by itself: {self.log[-3000:]}"
        self._orphans += psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait(10)

    def no_orphans(self) -> bool:
        return not [p for p in self._orphans if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def request(self, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Content-Type": "application/json"}
        return http(method, f"http://127.0.0.1:{self.port}{MANAGEMENT}/{path}", body, headers, timeout=10)

    def answers(self) -> bool:
        try:
            return self.request("GET", "instances?top=1").status == 200
        except OSError:
            return False

    def until_acknowledged(self, method: str, path: str, body: str, give_up: threading.Event) -> Answer:
        """Ask again for as long as nobody answers: that one may have been done or not."""
        while not give_up.is_set():
            try:
                return self.request(method, path, body)
            except OSError:
                time.sleep(0.02)
        raise AssertionError("nobody acknowledged it")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[MortalHost]:
    host = MortalHost(tmp_path)
    yield host
    if host.process is not None and host.process.poll() is None:
        host.kill()
    eventually(host.no_orphans, "no worker outlives its host", 5)


class Clients:
    """Threads that start what is planned and raise its events: each until it is acknowledged, and never again after that."""

    def __init__(self, host: MortalHost, seed: int) -> None:
        self.host = host
        self.give_up = threading.Event()
        self.failures: list[BaseException] = []
        self._planned: queue.SimpleQueue[Planned | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=[random.Random(seed + number)], daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, planned: list[Planned]) -> None:
        for one in planned:
            self._planned.put(one)

    def finish(self, seconds: float) -> None:
        """Once all is acknowledged."""
        for _ in self._threads:
            self._planned.put(None)
        for thread in self._threads:
            thread.join(seconds)
        assert self.failures == []
        assert not any(thread.is_alive() for thread in self._threads)

    def _run(self, chance: random.Random) -> None:
        try:
            while (planned := self._planned.get()) is not None:
                self._ask(chance, f"orchestrators/{planned.name}/{planned.id}", planned.body(self.host.steps))
                for name, data in chance.sample(planned.events, len(planned.events)):
                    self._ask(chance, f"instances/{planned.id}/raiseEvent/{name}", json.dumps(data))
        except BaseException as error:
            self.failures.append(error)

    def _ask(self, chance: random.Random, path: str, body: str) -> None:
        time.sleep(
            chance.uniform(0, 0.2)
        )  # so that a kill finds some of it acknowledged, some under way and some to come
        answer = self.host.until_acknowledged("POST", path, body, self.give_up)
        # 409, 410: it was done, but the host was killed before it could say so.
        assert answer.status in (202, 409, 410), answer


@pytest.mark.timeout(90 + 8 * KILLS)
def test_a_host_killed_at_random_moments_finishes_everything(host: MortalHost) -> None:
    print(f"EMBEDDED_HOST_SEED={SEED} EMBEDDED_HOST_KILLS={KILLS}")
    chance = random.Random(SEED)
    planned = [plan(number, chance.uniform(0.01, 0.3)) for number in range(ORCHESTRATIONS)]
    clients = Clients(host, SEED)
    try:
        for kill in range(KILLS):
            clients.add(planned[kill * ORCHESTRATIONS // KILLS : (kill + 1) * ORCHESTRATIONS // KILLS])
            host.start()
            if chance.random() < 0.25:
                time.sleep(chance.uniform(0, 1))  # while it starts, most of them
            else:
                eventually(host.answers, "the host answers", 20)
                time.sleep(chance.uniform(0, 0.6))
            host.kill()
        host.start()
        clients.finish(RUSH)
        eventually(host.answers, "the host answers", 20)
        for one in planned:
            status = finished(host, one)
            assert (status["runtimeStatus"], status["output"]) == ("Completed", one.output), (one, SEED)
    except BaseException:
        print(host.log[-6000:])
        raise
    finally:
        clients.give_up.set()
    done = Counter(host.steps.read_text().splitlines())
    assert set(done) == {step for one in planned for step in one.steps}
    again = sum(done.values()) - len(done)
    print(f"{len(done)} activities, {again} of them a second time")
    assert again > 0 or KILLS < 10, "no kill hit an activity: this run has proved little"
    listed = json.loads(host.request("GET", "instances?top=1000&showInput=false").text)
    assert {one["runtimeStatus"] for one in listed if not one["instanceId"].startswith("@")} == {"Completed"}


def finished(host: MortalHost, one: Planned) -> dict[str, object]:
    def look() -> dict[str, object] | None:
        status: dict[str, object] = host.request("GET", f"instances/{one.id}?showInput=false").json
        return status if status["runtimeStatus"] in ("Completed", "Failed", "Terminated") else None

    status = eventually(look, f"{one.id} finishes; seed {SEED}", 30)
    assert status is not None
    return status
