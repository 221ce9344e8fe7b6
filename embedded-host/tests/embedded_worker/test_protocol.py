"""Frames between host and worker: whatever the pieces they arrive in, and nothing that is no frame."""

from __future__ import annotations

import asyncio
import json
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_worker import protocol
from embedded_worker.protocol import (
    LARGE,
    MAX_FRAME,
    Channel,
    ClientRequest,
    ClientResponse,
    ErrorData,
    Frame,
    FrameReader,
    FunctionSpec,
    Hello,
    HttpRequestData,
    HttpResponseData,
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadProblem,
    LoadRequest,
    LoadResult,
    MalformedFrameError,
    Message,
    StopRequest,
    TurnRequest,
    UnsendableMessageError,
    encode,
)

MESSAGES: list[Message] = [
    Hello("token", "durable_threads"),
    LoadRequest(
        "/app", [FunctionSpec("F", "/app/F", "/app/F/__init__.py", "main", [{"type": "x", "deep": [1, None]}])]
    ),
    ImportStarted("F"),
    LoadResult([LoadProblem("F", "text", "stack"), LoadProblem(None, "text")], placements={"F": "durable_threads"}),
    InvocationRequest(
        1, "F", HttpRequestData("GET", "http://x", {"a": "b"}, {}, {"é": "你"}, b"\x00\xff"), "id", "client"
    ),
    InvocationRequest(2, "F", "text " * 1000),
    TurnRequest(3, "F", "instance", "execution", "[]", 7),
    ClientRequest(4, "POST", "orchestrators/F?x=é", b"\x00"),
    ClientResponse(4, 202, b"{}"),
    InvocationResult(1, HttpResponseData(200, [("Set-Cookie", "a"), ("Set-Cookie", "b")], b"")),
    InvocationResult(2, error=ErrorData("ValueError", "boom", "stack")),
    InvocationResult(3, "null", counts=[1, 2], known=1, kept=True),
    InvocationResult(4),
    StopRequest(),
]


def same(one: Frame, other: Frame) -> bool:
    return type(one) is type(other) and msgspec.json.encode(one) == msgspec.json.encode(other)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_comes_out_as_it_went_in(message: Message) -> None:
    (read,) = FrameReader().feed(encode(message))
    assert same(read, message)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_split_of_the_bytes(data: st.DataObject) -> None:
    stream = b"".join(encode(message) for message in MESSAGES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    reader = FrameReader()
    read = [m for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) for m in reader.feed(stream[a:b])]
    assert len(read) == len(MESSAGES)
    assert all(same(a, b) for a, b in zip(read, MESSAGES, strict=True))


def test_byte_by_byte_no_message_comes_early() -> None:
    reader = FrameReader()
    frame = encode(StopRequest())
    assert [reader.feed(frame[i : i + 1]) for i in range(len(frame) - 1)] == [[]] * (len(frame) - 1)
    assert len(reader.feed(frame[-1:])) == 1


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", MAX_FRAME + 1),
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 3) + b"abc",
        struct.pack(">I", 0),
        struct.pack(">I", 1) + msgspec.msgpack.encode(7),
        encode(StopRequest())[:4] + b"\xc1" * (len(encode(StopRequest())) - 4),
        (lambda body: struct.pack(">I", len(body)) + body)(msgspec.msgpack.encode({"type": "NoSuchMessage"})),
        (lambda body: struct.pack(">I", len(body)) + body)(msgspec.msgpack.encode({"type": "Hello", "token": 1})),
    ],
    ids=["too-long", "http", "no-msgpack", "empty", "no-object", "reserved", "unknown-type", "wrong-field"],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(data)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_FRAME", 1000)


@pytest.mark.usefixtures("narrow")
def test_what_is_too_large_is_answered_all_the_same() -> None:
    (result,) = FrameReader().feed(encode(InvocationResult(7, "x" * 2000)))
    assert isinstance(result, InvocationResult)
    assert result.id == 7
    assert result.error is not None
    assert "cannot be handed to the host: it has 20" in result.error.message
    (answer,) = FrameReader().feed(encode(ClientResponse(8, 200, b"x" * 2000)))
    assert isinstance(answer, ClientResponse)
    assert (answer.id, answer.status) == (8, 500)
    assert isinstance(json.loads(answer.body), str)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "message",
    [
        InvocationRequest(1, "f", "x" * 2000),
        TurnRequest(1, "f", "i", "e", "x" * 2000),
        ClientRequest(1, "GET", "/\ud800", b""),
    ],
)
def test_what_cannot_be_asked_is_said(message: Message) -> None:
    with pytest.raises(UnsendableMessageError):
        encode(message)


def test_a_good_frame_before_a_bad_one_does_not_hide_it() -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(encode(StopRequest()) + struct.pack(">I", 0))


async def test_a_peer_that_talks_garbage_is_hung_up_on() -> None:
    got: list[Message] = []
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Channel(lambda _, message: got.append(message), lambda _: closed.set()), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(encode(StopRequest()))
    writer.write(b"\xff" * 64)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await asyncio.wait_for(closed.wait(), 5)
    writer.close()
    server.close()
    assert [type(message) for message in got] in ([StopRequest], [])  # in one piece with the garbage, it is garbage too


async def test_sending_to_a_peer_that_is_gone_says_so() -> None:
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


class Narrow(asyncio.Transport):
    """Takes a frame, and is full until it is told that it was sent."""

    def __init__(self, channel: Channel) -> None:
        self.written: list[int] = []
        self._channel = channel

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += [m.id for m in FrameReader().feed(bytes(data)) if isinstance(m, InvocationRequest)]
        self._channel.pause_writing()

    def close(self) -> None:
        pass


async def test_small_frames_go_ahead_of_large_ones_that_wait() -> None:
    channel = Channel(lambda _, __: None, lambda _: None)
    channel.connection_made(transport := Narrow(channel))
    for number in (1, 2, 3):
        channel.send(InvocationRequest(number, "F", "x" * LARGE), at_once=True)
    channel.send(InvocationRequest(4, "F", "small"), at_once=True)
    channel.send(InvocationRequest(5, "F", "small"))
    await asyncio.sleep(0)
    assert transport.written == [1, 4, 5]
    channel.resume_writing()
    assert transport.written == [1, 4, 5, 2]
    channel.close()
    assert transport.written == [1, 4, 5, 2, 3]


async def test_large_frames_all_arrive() -> None:
    got: list[int] = []
    loop, last = asyncio.get_running_loop(), asyncio.Event()

    def receive(_: Channel, message: Message) -> None:
        assert isinstance(message, InvocationRequest)
        got.append(message.id)
        if len(got) == 20:
            last.set()

    accepted = Channel(receive, lambda _: None)
    server = await loop.create_server(lambda: accepted, "127.0.0.1", 0)
    _, channel = await loop.create_connection(
        lambda: Channel(lambda _, __: None, lambda _: None), *server.sockets[0].getsockname()
    )
    for number in range(20):
        channel.send(InvocationRequest(number, "F", "x" * (number % 2 * 3_000_000)), at_once=number % 3 == 0)
    await asyncio.wait_for(last.wait(), 20)
    assert sorted(got) == list(range(20))
    channel.close()
    accepted.close()
    server.close()


def test_what_a_frame_still_wants() -> None:
    reader, frame = FrameReader(), encode(InvocationRequest(1, "F", "x" * 1000))
    assert reader.missing == 0
    for at in range(len(frame) - 1):
        reader.feed(frame[at : at + 1])
        assert reader.missing == (len(frame) - at - 1 if at >= 3 else 0)
    assert len(reader.feed(frame[-1:])) == 1
    assert reader.missing == 0
