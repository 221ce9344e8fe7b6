"""Channels: order, large frames, closed peers and malformed bytes."""

from __future__ import annotations

import asyncio

import pytest

from embedded_worker.channel import LARGE_FRAME, Channel
from embedded_worker.framing import FrameReader, encode
from embedded_worker.protocol import InvocationRequest, Message, StopRequest


async def test_malformed_bytes_close_the_channel() -> None:
    received: list[Message] = []
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Channel(lambda _, message: received.append(message), lambda _: closed.set()),
        "127.0.0.1",
        0,
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(encode(StopRequest()))
    writer.write(b"\xff" * 64)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await asyncio.wait_for(closed.wait(), 5)
    writer.close()
    server.close()
    # A valid message in the same piece as the malformed bytes is lost.
    assert [type(message) for message in received] in ([StopRequest], [])


async def test_sending_to_a_closed_peer_raises() -> None:
    channels: list[Channel] = []
    closed = asyncio.Event()

    def accept() -> Channel:
        channels.append(Channel(lambda _, __: None, lambda _: closed.set()))
        return channels[-1]

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.close()
    await writer.wait_closed()
    await asyncio.wait_for(closed.wait(), 5)
    with pytest.raises(ConnectionError, match="is closed"):
        channels[0].send(StopRequest())
    server.close()


class NarrowTransport(asyncio.Transport):
    """A transport that accepts one frame, and then no other until ``resume_writing``."""

    def __init__(self, channel: Channel) -> None:
        self.written: list[int] = []
        self._channel = channel

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += [
            m.id for m in FrameReader().feed(bytes(data)) if isinstance(m, InvocationRequest)
        ]
        self._channel.pause_writing()

    def close(self) -> None:
        pass


async def test_small_frames_overtake_large_ones_that_wait() -> None:
    channel = Channel(lambda _, __: None, lambda _: None)
    channel.connection_made(transport := NarrowTransport(channel))
    for number in (1, 2, 3):
        channel.send(InvocationRequest(number, "F", "x" * LARGE_FRAME), at_once=True)
    channel.send(InvocationRequest(4, "F", "small"), at_once=True)
    channel.send(InvocationRequest(5, "F", "small"))
    await asyncio.sleep(0)
    assert transport.written == [1, 4, 5]
    channel.resume_writing()
    assert transport.written == [1, 4, 5, 2]
    channel.close()
    assert transport.written == [1, 4, 5, 2, 3]


async def test_large_frames_all_arrive() -> None:
    received: list[int] = []
    loop, last = asyncio.get_running_loop(), asyncio.Event()

    def receive(_: Channel, message: Message) -> None:
        assert isinstance(message, InvocationRequest)
        received.append(message.id)
        if len(received) == 20:
            last.set()

    accepted = Channel(receive, lambda _: None)
    server = await loop.create_server(lambda: accepted, "127.0.0.1", 0)
    _, channel = await loop.create_connection(
        lambda: Channel(lambda _, __: None, lambda _: None), *server.sockets[0].getsockname()
    )
    for number in range(20):
        channel.send(
            InvocationRequest(number, "F", "x" * (number % 2 * 3_000_000)), at_once=number % 3 == 0
        )
    await asyncio.wait_for(last.wait(), 20)
    assert sorted(received) == list(range(20))
    channel.close()
    accepted.close()
    server.close()
