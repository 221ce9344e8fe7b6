"""Threads that take calls from a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from embedded_worker import call_threads
from embedded_worker.call_threads import CallThreads
from embedded_worker.channel import LARGE_FRAME
from embedded_worker.framing import FrameReader, encode
from embedded_worker.protocol import InvocationRequest, InvocationResult, Message, TurnRequest
from tests.support.polling import eventually

Serve = Callable[
    [int, Callable[[InvocationRequest | TurnRequest], InvocationResult | None]], socket.socket
]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """With which codes the process would have ended; the thread stays there instead."""
    codes: list[int] = []

    def exit(code: int) -> None:
        codes.append(code)
        threading.Event().wait()

    monkeypatch.setattr(call_threads, "end_process", exit)
    return codes


@pytest.fixture
def serve(ended: list[int]) -> Iterator[Serve]:
    """The host's end of a socket at whose other end there are so many threads."""
    ours: list[socket.socket] = []

    def serve(
        limit: int, run: Callable[[InvocationRequest | TurnRequest], InvocationResult | None]
    ) -> socket.socket:
        host, worker = socket.socketpair()
        host.settimeout(20)
        ours.append(host)
        CallThreads(worker, limit, "test", run).start()
        return host

    yield serve
    for sock in ours:
        sock.close()
    eventually(
        lambda: len(ended) == len(ours),
        "all have seen the end, while that does not end this process",
    )


def answers(host: socket.socket, count: int) -> list[Message]:
    reader = FrameReader()
    got: list[Message] = []
    while len(got) < count:
        got += reader.feed(host.recv(65_536))
    return got


def test_calls_are_answered(serve: Serve) -> None:
    host = serve(2, lambda asked: InvocationResult(asked.id, asked.function))
    host.sendall(
        b"".join(encode(InvocationRequest(number, f"f{number}", "null")) for number in range(500))
    )
    got = answers(host, 500)
    assert sorted((a.id, a.value) for a in got if isinstance(a, InvocationResult)) == [
        (n, f"f{n}") for n in range(500)
    ]


def test_a_turn_and_what_arrives_in_pieces(serve: Serve) -> None:
    host = serve(1, lambda asked: InvocationResult(asked.id, type(asked).__name__))
    for byte in encode(TurnRequest(7, "f", "instance", "execution", "x" * 50)):
        host.sendall(bytes([byte]))
    assert answers(host, 1) == [InvocationResult(7, "TurnRequest")]


def test_a_message_without_a_response_gets_none(serve: Serve) -> None:
    host = serve(1, lambda asked: None if asked.id == 1 else InvocationResult(asked.id))
    host.sendall(encode(InvocationRequest(1, "f", "")) + encode(InvocationRequest(2, "f", "")))
    assert answers(host, 1) == [InvocationResult(2)]


def test_large_calls_and_answers(serve: Serve) -> None:
    def echo(request: InvocationRequest | TurnRequest) -> InvocationResult:
        assert isinstance(request, InvocationRequest)
        assert isinstance(request.trigger, str)
        return InvocationResult(request.id, request.trigger)

    host = serve(2, echo)
    texts = ["x" * 3_000_000, "y", "z" * LARGE_FRAME]
    frames = b"".join(
        encode(InvocationRequest(number, "f", text)) for number, text in enumerate(texts)
    )
    sending = threading.Thread(target=host.sendall, args=(frames,))
    sending.start()
    got = answers(host, 3)
    sending.join(20)
    assert sorted((a.id, a.value) for a in got if isinstance(a, InvocationResult)) == list(
        enumerate(texts)
    )


def test_small_answers_go_ahead_of_large_ones_that_wait(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads at first: a large one fills the socket, the others wait for it."""
    sent, left, larges = CallThreads._send, threading.Semaphore(0), threading.Event()

    def counted(it: CallThreads, frame: bytes) -> None:
        sent(it, frame)
        left.release()

    def run(asked: InvocationRequest | TurnRequest) -> InvocationResult:
        if asked.id < 4:
            return InvocationResult(asked.id, "x" * 3_000_000)
        larges.wait(20)
        return InvocationResult(asked.id, "small")

    monkeypatch.setattr(CallThreads, "_send", counted)
    host = serve(4, run)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(1, 5)))
    for _ in range(2):  # have left theirs to the one that sends
        assert left.acquire(timeout=20)
    larges.set()
    assert left.acquire(timeout=20)
    order = [answer.id for answer in answers(host, 4) if isinstance(answer, InvocationResult)]
    assert order.index(4) == 1, order


def test_concurrent_calls_are_limited_to_the_threads(serve: Serve) -> None:
    meet, most, running, lock = threading.Barrier(3), [0], [0], threading.Lock()

    def run(asked: InvocationRequest | TurnRequest) -> InvocationResult:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        meet.wait(20)  # passed by three together only
        with lock:
            running[0] -= 1
        return InvocationResult(asked.id)

    host = serve(3, run)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(9)))
    assert len(answers(host, 9)) == 9
    assert most == [3]


def test_a_lone_caller_needs_no_more_than_two_threads(serve: Serve) -> None:
    host = serve(8, lambda asked: InvocationResult(asked.id, threading.current_thread().name))
    names = set()
    for number in range(100):
        host.sendall(encode(InvocationRequest(number, "f", "")))
        (answer,) = answers(host, 1)
        assert isinstance(answer, InvocationResult)
        names.add(answer.value)
    assert names <= {"test-1", "test-2"}


def test_where_no_further_thread_is_to_be_had_those_there_are_go_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    host = serve(4, lambda asked: InvocationResult(asked.id))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(20)))
    assert [
        answer.id for answer in answers(host, 20) if isinstance(answer, InvocationResult)
    ] == list(range(20))


def test_the_process_ends_where_a_call_has_no_room(ended: list[int]) -> None:
    """What has been read of it is lost, and with it where the next one begins."""

    class Full:
        def recv(self, size: int) -> bytes:
            raise MemoryError

    CallThreads(cast(socket.socket, Full()), 1, "test", lambda asked: None).start()
    eventually(lambda: ended == [1], "the process has ended")


@pytest.mark.parametrize("last", [b"", b"\xff\xff\xff\xff"])
def test_the_process_ends_with_the_connection(serve: Serve, ended: list[int], last: bytes) -> None:
    """Also with one that brings nonsense."""
    host = serve(1, lambda asked: InvocationResult(asked.id))
    host.sendall(last)
    host.shutdown(socket.SHUT_WR)
    eventually(lambda: ended == [1], "the process has ended")
