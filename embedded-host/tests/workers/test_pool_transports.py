"""Worker processes over each transport of the operating system."""

from __future__ import annotations

import asyncio
import json
import os

import psutil
import pytest

from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers import interpreter_problem, process_starter
from embedded_host.workers.app_interpreter import AppInterpreterError
from embedded_host.workers.transport import LoopbackTransport, SocketPairTransport, WorkerTransport
from embedded_worker.framing import encode
from embedded_worker.protocol import PROTOCOL_VERSION, Hello
from tests.support.app_folder import AppFolder
from tests.workers.conftest import StartPool, call

pytestmark = pytest.mark.process


@pytest.fixture
def app(app: AppFolder) -> AppFolder:
    app.activity("Echo", "return value")
    app.activity("Pid", "import os\nreturn os.getpid()")
    app.activity("Exit", "import os\nos._exit(value)")
    return app


@pytest.fixture(
    params=[LoopbackTransport] if os.name == "nt" else [SocketPairTransport, LoopbackTransport]
)
def transport(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> type[WorkerTransport]:
    monkeypatch.setattr(process_starter, "worker_transport", request.param)
    transport: type[WorkerTransport] = request.param
    return transport


async def test_functions_run_in_the_worker(
    app: AppFolder, start: StartPool, transport: type[WorkerTransport]
) -> None:
    pool, loaded = await start(app)
    assert loaded.problems == []
    assert await call(pool, "Echo", {"a": 1}) == {"a": 1}
    assert await call(pool, "Pid") == pool.pids[0] != os.getpid()


async def test_a_process_that_ends_during_a_call_is_replaced(
    app: AppFolder, start: StartPool, transport: type[WorkerTransport]
) -> None:
    pool, _ = await start(app)
    with pytest.raises(WorkerLostError, match="exited with code 3"):
        await call(pool, "Exit", 3)
    assert await call(pool, "Echo", 1) == 1


async def test_a_worker_with_another_protocol_version_is_refused(
    app: AppFolder,
    start: StartPool,
    transport: type[WorkerTransport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_problem, "PROTOCOL_VERSION", 9)
    with pytest.raises(
        AppInterpreterError,
        match=r"The worker has version \d of the worker protocol, but the host has version 9.*232",
    ):
        await asyncio.wait_for(start(app), 20)


async def test_a_worker_refuses_a_host_with_another_protocol_version(
    app: AppFolder,
    start: StartPool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(process_starter, "PROTOCOL_VERSION", 9)
    with pytest.raises(AppInterpreterError, match=r"The worker refused this host.*EH232"):
        await asyncio.wait_for(start(app), 20)
    assert "The host has version 9 of the worker protocol, but the worker in " in (
        capfd.readouterr().err
    )


async def test_a_wrong_token_is_refused(
    app: AppFolder, start: StartPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_starter, "worker_transport", LoopbackTransport)
    pool, _ = await start(app)
    command = psutil.Process(pool.pids[0]).cmdline()
    port = int(command[-1])
    for first in (
        Hello("durable_threads", "wrong"),
        Hello("event_loop", ""),
        Hello("function_threads", "é"),
        Hello("event_loop", "wrong"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encode(first))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    assert await call(pool, "Echo", 1) == 1


async def test_neither_the_command_line_nor_the_functions_environment_has_the_token(
    app: AppFolder, start: StartPool, transport: type[WorkerTransport]
) -> None:
    app.activity(
        "Environment",
        "import os\nreturn [name for name in os.environ if 'TOKEN' in name and 'EMBEDDED' in name]",
    )
    pool, _ = await start(app)
    version, *arguments = psutil.Process(pool.pids[0]).cmdline()[2:]
    assert version == str(PROTOCOL_VERSION)
    assert [len(part) < 6 for part in arguments] == [True] * (
        4 if transport is SocketPairTransport else 2
    )  # only words and small numbers
    assert await call(pool, "Environment") == []


@pytest.mark.skipif(os.name == "nt", reason="Windows hands no sockets to a new process")
async def test_programs_that_functions_start_do_not_inherit_the_sockets(
    app: AppFolder, start: StartPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.activity(
        "Fds",
        "import subprocess, sys\n"
        "code = 'import os; print([n for n in range(3, 64) if os.path.exists(f\"/dev/fd/{n}\")])'\n"
        "command = [sys.executable, '-c', code]\n"
        "done = subprocess.run(command, close_fds=False, capture_output=True, text=True)\n"
        "return done.stdout",
    )
    monkeypatch.setattr(process_starter, "worker_transport", SocketPairTransport)
    pool, _ = await start(app)
    sockets = {int(part) for part in psutil.Process(pool.pids[0]).cmdline()[4:]}
    assert not sockets & set(json.loads(str(await call(pool, "Fds"))))
