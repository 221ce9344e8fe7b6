"""Threads that read calls from a socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from embedded_worker import call_threads
from embedded_worker.call_threads import CallThreads
from embedded_worker.channel import LARGE_FRAME
from embedded_worker.framing import FrameReader, encode
from embedded_worker.protocol import (
    InvocationRequest,
    InvocationResult,
    LogLine,
    LogReport,
    Message,
    TurnRequest,
)
from tests.support.polling import eventually

Serve = Callable[
    [int, Callable[[InvocationRequest | TurnRequest], InvocationResult | None]], socket.socket
]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the exit codes with which the process would have exited. The thread waits instead."""
    codes: list[int] = []

    def exit(code: int) -> None:
        codes.append(code)
        threading.Event().wait()

    monkeypatch.setattr(call_threads, "end_process", exit)
    return codes


@pytest.fixture
def serve(ended: list[int]) -> Iterator[Serve]:
    """Return a function that starts threads at a socket and returns the host's end of it."""
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
        "all threads have seen the end of their socket",
    )


def receive(host: socket.socket, count: int) -> list[Message]:
    reader = FrameReader()
    received: list[Message] = []
    while len(received) < count:
        received += reader.feed(host.recv(65_536))
    return received


def test_each_call_gets_its_result(serve: Serve) -> None:
    host = serve(2, lambda request: InvocationResult(request.id, request.function))
    host.sendall(
        b"".join(encode(InvocationRequest(number, f"f{number}", "null")) for number in range(500))
    )
    received = receive(host, 500)
    assert sorted((a.id, a.value) for a in received if isinstance(a, InvocationResult)) == [
        (n, f"f{n}") for n in range(500)
    ]


def test_a_turn_request_that_arrives_in_pieces_runs(serve: Serve) -> None:
    host = serve(1, lambda request: InvocationResult(request.id, type(request).__name__))
    for byte in encode(TurnRequest(7, "f", "instance", "execution", "x" * 50)):
        host.sendall(bytes([byte]))
    assert receive(host, 1) == [InvocationResult(7, "TurnRequest")]


def test_no_result_is_sent_if_run_returns_none(serve: Serve) -> None:
    host = serve(1, lambda request: None if request.id == 1 else InvocationResult(request.id))
    host.sendall(encode(InvocationRequest(1, "f", "")) + encode(InvocationRequest(2, "f", "")))
    [result] = receive(host, 1)
    assert isinstance(result, InvocationResult)
    assert (result.id, result.value) == (2, None)


def test_a_result_has_the_time_at_which_a_thread_began_to_run_the_call(serve: Serve) -> None:
    gate = threading.Event()
    host = serve(1, lambda request: (gate.wait(10) and InvocationResult(request.id)) or None)
    host.sendall(encode(InvocationRequest(1, "f", "")) + encode(InvocationRequest(2, "f", "")))
    released = time.time()
    gate.set()
    first, second = receive(host, 2)
    assert isinstance(first, InvocationResult)
    assert isinstance(second, InvocationResult)
    assert first.began is not None
    assert second.began is not None
    assert first.began <= time.time()
    assert second.began >= released - 0.01  # the second call waited for the thread


def test_large_calls_and_results_arrive(serve: Serve) -> None:
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
    received = receive(host, 3)
    sending.join(20)
    assert sorted((a.id, a.value) for a in received if isinstance(a, InvocationResult)) == list(
        enumerate(texts)
    )


def test_small_results_overtake_large_ones_that_wait(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the host does not read, a large result fills the socket, and the others wait."""
    send, queued, small = CallThreads._send, threading.Semaphore(0), threading.Event()

    def counted(threads: CallThreads, frame: bytes) -> None:
        send(threads, frame)
        queued.release()

    def run(request: InvocationRequest | TurnRequest) -> InvocationResult:
        if request.id < 4:
            return InvocationResult(request.id, "x" * 3_000_000)
        small.wait(20)
        return InvocationResult(request.id, "small")

    monkeypatch.setattr(CallThreads, "_send", counted)
    host = serve(4, run)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(1, 5)))
    for _ in range(2):  # two large results wait for the thread that sends the first
        assert queued.acquire(timeout=20)
    small.set()
    assert queued.acquire(timeout=20)
    order = [result.id for result in receive(host, 4) if isinstance(result, InvocationResult)]
    assert order.index(4) == 1, order


def test_concurrent_calls_are_limited_to_the_threads(serve: Serve) -> None:
    barrier, most, running, lock = threading.Barrier(3), [0], [0], threading.Lock()

    def run(request: InvocationRequest | TurnRequest) -> InvocationResult:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        barrier.wait(20)  # continues when three threads wait
        with lock:
            running[0] -= 1
        return InvocationResult(request.id)

    host = serve(3, run)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(9)))
    assert len(receive(host, 9)) == 9
    assert most == [3]


def test_a_single_caller_starts_at_most_two_threads(serve: Serve) -> None:
    host = serve(8, lambda request: InvocationResult(request.id, threading.current_thread().name))
    names = set()
    for number in range(100):
        host.sendall(encode(InvocationRequest(number, "f", "")))
        (result,) = receive(host, 1)
        assert isinstance(result, InvocationResult)
        names.add(result.value)
    assert names <= {"test_0", "test_1"}


def test_existing_threads_continue_if_the_system_refuses_another(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    host = serve(4, lambda request: InvocationResult(request.id))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    host.sendall(b"".join(encode(InvocationRequest(number, "f", "")) for number in range(20)))
    assert [
        result.id for result in receive(host, 20) if isinstance(result, InvocationResult)
    ] == list(range(20))


def test_the_process_exits_if_memory_is_exhausted(ended: list[int]) -> None:
    """The rest of the frame is lost, so the start of the next frame is unknown."""

    class Full:
        def recv(self, size: int) -> bytes:
            raise MemoryError

    CallThreads(cast(socket.socket, Full()), 1, "test", lambda request: None).start()
    eventually(lambda: ended == [1], "the process exits")


@pytest.mark.parametrize("last", [b"", b"\xff\xff\xff\xff"])
def test_the_process_exits_when_the_connection_ends_or_is_malformed(
    serve: Serve, ended: list[int], last: bytes
) -> None:
    host = serve(1, lambda request: InvocationResult(request.id))
    host.sendall(last)
    host.shutdown(socket.SHUT_WR)
    eventually(lambda: ended == [1], "the process exits")


def test_log_lines_are_sent_before_a_call_ends_the_process(ended: list[int]) -> None:
    report = LogReport([LogLine(1, 2, "c", "the last line")])
    ours, worker = socket.socketpair()
    with ours:
        ours.settimeout(20)
        run = lambda request: InvocationResult(request.id, exit_code=3)  # noqa: E731
        CallThreads(worker, 1, "test", run, take_logs=lambda: report).start()
        ours.sendall(encode(InvocationRequest(1, "f", "")))
        assert receive(ours, 2) == [report, InvocationResult(1, exit_code=3)]
        eventually(lambda: ended == [3], "the process ends")
