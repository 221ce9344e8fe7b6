"""The host's view of one worker process, without a process."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import cast

import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.transport import SocketPairTransport
from embedded_host.workers.worker_process import WorkerProcess, exit_reason
from embedded_worker.channel import Channel
from embedded_worker.protocol import PLACEMENTS, Hello, InvocationResult


class ProcessDouble:
    def __init__(self) -> None:
        self.killed = False

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
async def process() -> ProcessDouble:
    return ProcessDouble()


@pytest.fixture
async def worker(process: ProcessDouble) -> WorkerProcess:
    sockets = SocketPairTransport().sockets()
    sockets.close()
    return WorkerProcess(cast(asyncio.subprocess.Process, process), sockets)


def channel() -> Channel:
    return Channel(lambda _, __: None, lambda _: None)


async def test_a_process_is_connected_when_every_placement_has_sent_hello(
    worker: WorkerProcess,
) -> None:
    for placement in PLACEMENTS:
        assert not worker.connected.done()
        worker.connect(Hello(placement), channel())
    await worker.connected


async def test_a_refused_process_is_killed_with_its_first_problem(
    worker: WorkerProcess, process: ProcessDouble
) -> None:
    worker.refuse("no SDK [EH219]")
    worker.refuse("later")
    assert process.killed
    assert worker.problem == "no SDK [EH219]"
    with pytest.raises(WorkerLostError, match="no SDK"):
        await worker.loaded


async def test_pending_calls_of_a_lost_process_fail_with_the_first_reason(
    worker: WorkerProcess,
) -> None:
    loop = asyncio.get_running_loop()
    calls: list[asyncio.Future[InvocationResult]] = [loop.create_future() for _ in range(3)]
    worker.pending.update(enumerate(calls))
    worker.lose("it exited with code 3", caused_by_another_call=True)
    worker.lose("later")
    assert worker.lost == "it exited with code 3"
    for call in calls:
        with pytest.raises(WorkerLostError, match="it exited with code 3") as lost:
            await call
        assert (lost.value.concurrent_calls, lost.value.caused_by_another_call) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="exit codes of signals")
def test_the_reason_of_an_exit_names_the_signal() -> None:
    assert exit_reason(3) == "PYTHON exited with code 3 (0x3)"
    assert exit_reason(-signal.SIGKILL) == "PYTHON exited with code 137 (0x89) after SIGKILL"
    assert exit_reason(-99) == "PYTHON exited with code 227 (0xE3) after signal 99"


@pytest.mark.parametrize(
    ("reported", "is_cause"), [(None, [False] * 3), (1, [False, True, False]), (7, [False] * 3)]
)
async def test_the_call_that_reported_the_exit_is_the_cause(
    worker: WorkerProcess, reported: int | None, is_cause: list[bool]
) -> None:
    loop = asyncio.get_running_loop()
    calls: list[asyncio.Future[InvocationResult]] = [loop.create_future() for _ in range(3)]
    worker.pending.update(enumerate(calls))
    worker.functions.update(enumerate("ABC"))
    if reported is not None:
        worker.report_exit(reported, 256 + 1)
    assert worker.possible_causes == (["B"] if reported == 1 else ["A", "B", "C"])
    worker.lose("it exited", exit_code=134)  # another thread may have aborted the process
    lost = [call.exception() for call in calls]
    own_code = 257 if os.name == "nt" else 1
    codes = [getattr(one, "exit_code", None) for one in lost]
    assert codes == [134, own_code if reported == 1 else 134, 134]
    assert [getattr(one, "is_caused_by_this_call", None) for one in lost] == is_cause
    others = [getattr(one, "caused_by_another_call", None) for one in lost]
    assert others == ([True, False, True] if reported == 1 else [False] * 3)
