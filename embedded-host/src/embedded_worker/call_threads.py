"""A worker process's threads for functions that are not coroutines: each takes calls from the socket itself.

Behind an event loop a call costs two hand-overs from thread to thread more, and each of them a wake-up, which takes longer
than the call's own work.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable

from embedded_worker.process_exit import end_if_forked, end_process
from embedded_worker.protocol import (
    LARGE,
    ErrorData,
    FrameReader,
    InvocationRequest,
    InvocationResult,
    MalformedFrameError,
    Message,
    TurnRequest,
    encode,
)

_PIECE = 65_536


class CallThreads:
    """At most ``limit`` threads at one socket; a thread is begun when all others are busy and one more call may come.

    The process ends when the socket does: what runs is nobody's then, and the host runs it again."""

    def __init__(
        self,
        sock: socket.socket,
        limit: int,
        name: str,
        run: Callable[[InvocationRequest | TurnRequest], InvocationResult | None],
    ) -> None:
        """``run`` may not raise; None is no answer."""
        self._socket, self._limit, self._name, self._run = sock, limit, name, run
        self._reader = FrameReader()
        self._read: deque[Message] = deque()
        self._reading = threading.Lock()
        self._threads = 0
        self._idle = 0
        """Threads that read, or wait for their turn to read."""
        self._counting = threading.Lock()
        self._unsent: deque[bytes] = deque()
        self._large: deque[bytes] = deque()
        self._sending = threading.Lock()

    def start(self) -> None:
        with self._counting:
            self._add_thread()

    def _add_thread(self) -> None:
        """Only with ``_counting``."""
        threading.Thread(target=self._work, name=f"{self._name}-{self._threads + 1}", daemon=True).start()
        self._threads += 1
        self._idle += 1

    def _work(self) -> None:
        while True:
            with self._reading:
                asked = self._next()
            with self._counting:
                self._idle -= 1
                if not self._idle and self._threads < self._limit:
                    with contextlib.suppress(Exception):  # there is no further one to be had: those there are go on
                        self._add_thread()
            try:
                result = self._run(asked)
            except BaseException as error:  # user code can break anything; the caller waits all the same
                result = InvocationResult(
                    asked.id, error=ErrorData(type(error).__name__, "the worker could not finish the call")
                )
            end_if_forked(asked.function)
            with self._counting:
                self._idle += 1  # before it answers: a lone caller's next call needs no further thread
            if result is not None:
                self._send(encode(result))
            del asked, result

    def _next(self) -> InvocationRequest | TurnRequest:
        while True:
            while not self._read:
                try:
                    data = self._receive()
                    self._read.extend(self._reader.feed(data))
                except (OSError, MalformedFrameError, MemoryError):
                    data = b""
                if not data:
                    end_process(1)
            message = self._read.popleft()
            if isinstance(message, (InvocationRequest, TurnRequest)):
                return message

    def _receive(self) -> bytes | bytearray:
        """What is there; of a large frame all the rest at once: piece by piece, each time it would have to win the interpreter
        back from threads that compute."""
        missing = self._reader.missing
        if missing <= _PIECE:
            return self._socket.recv(_PIECE)
        data = bytearray(missing)
        received = self._socket.recv_into(data, missing, socket.MSG_WAITALL)
        return data if received == missing else data[:received]

    def _send(self, frame: bytes) -> None:
        """Whoever comes while another sends leaves it to that one: results that come together share a write. A large one is
        written by itself, when there are no others."""
        (self._unsent if len(frame) < LARGE else self._large).append(frame)
        while (self._unsent or self._large) and self._sending.acquire(blocking=False):
            try:
                frames = []
                while self._unsent:
                    frames.append(self._unsent.popleft())
                if not frames and self._large:
                    frames.append(self._large.popleft())
                if frames:
                    self._socket.sendall(frames[0] if len(frames) == 1 else b"".join(frames))
            except OSError:
                end_process(1)
            finally:
                self._sending.release()
