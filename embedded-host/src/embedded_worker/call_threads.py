"""The threads of a worker process for functions that are not coroutines: each takes calls from the socket itself.

An event loop in between would cost two more hand-overs from thread to thread for each call, and the wake-up of each takes
longer than the call's own work.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable

from embedded_worker.channel import LARGE_FRAME
from embedded_worker.framing import FrameReader, MalformedFrameError, encode
from embedded_worker.process_exit import end_if_forked, end_process
from embedded_worker.protocol import (
    ErrorData,
    InvocationRequest,
    InvocationResult,
    Message,
    TurnRequest,
)

_PIECE = 65_536
"""Bytes."""


class CallThreads:
    """At most ``limit`` threads at one socket. A thread is started when all others are busy.

    The process ends when the host closes the socket: the host runs the pending calls again elsewhere."""

    def __init__(
        self,
        sock: socket.socket,
        limit: int,
        name: str,
        run: Callable[[InvocationRequest | TurnRequest], InvocationResult | None],
    ) -> None:
        """``run`` must not raise; None stands for no result."""
        self._socket, self._limit, self._name, self._run = sock, limit, name, run
        self._reader = FrameReader()
        self._read: deque[Message] = deque()
        self._reading = threading.Lock()
        self._threads = 0
        self._idle = 0
        """Threads that read, or wait for the lock to read."""
        self._counting = threading.Lock()
        self._unsent: deque[bytes] = deque()
        self._large: deque[bytes] = deque()
        self._sending = threading.Lock()

    def start(self) -> None:
        with self._counting:
            self._add_thread()

    def _add_thread(self) -> None:
        """The caller holds ``_counting``."""
        threading.Thread(
            target=self._work, name=f"{self._name}-{self._threads + 1}", daemon=True
        ).start()
        self._threads += 1
        self._idle += 1

    def _work(self) -> None:
        while True:
            with self._reading:
                request = self._next()
            with self._counting:
                self._idle -= 1
                if not self._idle and self._threads < self._limit:
                    with contextlib.suppress(
                        Exception
                    ):  # the system refuses a further thread: the present ones continue
                        self._add_thread()
            try:
                result = self._run(request)
            except (
                BaseException
            ) as error:  # user code can break anything, and the host waits for a result
                failure = ErrorData(type(error).__name__, "the worker could not finish the call")
                result = InvocationResult(request.id, error=failure)
            end_if_forked(request.function)
            with self._counting:
                self._idle += (
                    1  # before the result: a single caller's next call needs no further thread
                )
            if result is not None:
                self._send(encode(result))
            del request, result

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
        """Read what has arrived, or the whole rest of a large frame: after each piece the thread would have to regain the
        interpreter from threads that compute."""
        missing = self._reader.missing
        if missing <= _PIECE:
            return self._socket.recv(_PIECE)
        data = bytearray(missing)
        received = self._socket.recv_into(data, missing, socket.MSG_WAITALL)
        return data if received == missing else data[:received]

    def _send(self, frame: bytes) -> None:
        """Send ``frame``, or leave it to the thread that is sending now: simultaneous results share a write. A large frame is
        written alone, after all others."""
        (self._unsent if len(frame) < LARGE_FRAME else self._large).append(frame)
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
