from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from embedded_host.workers.transport import (
    LoopbackTransport,
    SocketPairTransport,
    WorkerSockets,
    WorkerTransport,
)
from embedded_worker import transport as worker_side
from embedded_worker.channel import Channel
from embedded_worker.framing import encode
from embedded_worker.protocol import PLACEMENTS, Hello

TRANSPORTS: list[Callable[[], WorkerTransport]] = [LoopbackTransport]
if os.name == "posix":
    TRANSPORTS.append(SocketPairTransport)


def worker_arguments(sockets: WorkerSockets) -> list[str]:
    """Return the worker's command line, with duplicates of the sockets to inherit."""
    kind, *numbers = sockets.arguments
    return [kind, *(str(os.dup(int(number))) if kind == "fds" else number for number in numbers)]


@pytest.mark.parametrize("make", TRANSPORTS)
async def test_each_placement_has_a_channel_after_its_hello(
    make: Callable[[], WorkerTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, hellos, channels = make(), list[Hello](), list[Channel]()
    complete = asyncio.Event()

    def on_hello(hello: Hello, channel: Channel) -> None:
        hellos.append(hello)
        channels.append(channel)
        if len(hellos) == len(PLACEMENTS):
            complete.set()

    await transport.start()
    sockets = transport.sockets()
    for name, value in sockets.environ.items():
        monkeypatch.setenv(name, value)
    arguments = worker_arguments(sockets)
    await sockets.accept(on_hello)
    connected = await asyncio.to_thread(worker_side.connect, arguments)
    await asyncio.wait_for(complete.wait(), 10)
    assert sorted(hello.placement for hello in hellos) == sorted(PLACEMENTS)
    for channel in channels:
        channel.close()
    for sock in connected:
        sock.close()
    sockets.close()
    transport.close()


async def test_a_connection_with_another_token_is_closed() -> None:
    transport = LoopbackTransport()
    await transport.start()
    sockets = transport.sockets()
    await sockets.accept(lambda hello, channel: pytest.fail("it has another token"))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sockets.arguments[1]))
    writer.write(
        encode(
            Hello(
                "event_loop", "guessed", python="", azure_functions="", azure_functions_durable=""
            )
        )
    )
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    transport.close()
