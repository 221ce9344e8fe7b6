"""The threads of a worker process for functions that are not coroutine functions.

Each thread reads calls from the socket itself. An event loop between socket and threads would need
two more thread switches for each call, and each switch takes longer than the rest of the call.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from embedded_worker.blocked_calls import BusyThreads, is_readable
from embedded_worker.channel import LARGE_FRAME
from embedded_worker.framing import FrameReader, MalformedFrameError, encode
from embedded_worker.process_exit import end_if_forked, end_process, report_exit_of_thread
from embedded_worker.protocol import (
    ErrorData,
    InvocationRequest,
    InvocationResult,
    LogReport,
    Message,
    TurnRequest,
)

_PIECE = 65_536
"""Number of bytes that one read requests."""


class CallThreads:
    """At most ``limit`` threads that read from one socket.

    Another thread is started when all others are busy. The process exits when the host closes the
    socket, because the host then runs the pending calls in another process.
    """

    def __init__(
        self,
        sock: socket.socket,
        limit: int,
        name: str,
        run: Callable[[InvocationRequest | TurnRequest], InvocationResult | None],
        busy: BusyThreads | None = None,
        take_logs: Callable[[], LogReport] = lambda: LogReport(()),
    ) -> None:
        """Run requests with ``run``. If it returns None, no result is sent.

        ``busy`` reports calls that wait for a thread. ``take_logs`` returns the log lines to send
        before a call ends the process.
        """
        self._take_logs = take_logs
        self._busy = busy
        self._socket, self._limit, self._name, self._run = sock, limit, name, run
        self._reader = FrameReader()
        self._read: deque[Message] = deque()
        self._reading = threading.Lock()
        self._threads = 0
        self._idle = 0
        """The number of threads that read or wait for the lock to read."""
        self._counting = threading.Lock()
        self._unsent: deque[bytes] = deque()
        self._large: deque[bytes] = deque()
        self._sending = threading.Lock()

    def start(self) -> None:
        """Start the first thread."""
        with self._counting:
            self._add_thread()

    def _add_thread(self) -> None:
        """Start a thread. The caller must hold ``_counting``."""
        threading.Thread(
            target=self._work, name=f"{self._name}_{self._threads}", daemon=True
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
                    # If the system refuses another thread, the existing ones continue.
                    with contextlib.suppress(Exception):
                        self._add_thread()
                all_busy = not self._idle
            if self._busy is not None:
                self._busy.begin(request.function, request.id)
                if all_busy:
                    self._busy.watch(self._are_busy, self._has_waiting)
            report_exit_of_thread(partial(self._report_exit, request.id))
            began = time.time()
            try:
                result = self._run(request)
            except BaseException as error:  # the host waits for a result in any case
                failure = ErrorData(type(error).__name__, "the worker failed to run the function")
                result = InvocationResult(request.id, error=failure)
            end_if_forked(request.function)
            if self._busy is not None:
                self._busy.end()
            with self._counting:
                # Count before sending the result, so that the next call of a single caller does
                # not start another thread.
                self._idle += 1
            if result is not None:
                if isinstance(request, InvocationRequest):
                    result = result._replace(began=began)
                if result.exit_code is not None:
                    self._send_logs()
                self._send(encode(result))
                if result.exit_code is not None:
                    end_process(result.exit_code)
            del request, result

    def _are_busy(self) -> bool:
        return not self._idle

    def _has_waiting(self) -> bool:
        return bool(self._read) or is_readable(self._socket)

    def _send_logs(self) -> None:
        report = self._take_logs()
        if report.lines:
            self._send(encode(report))

    def _report_exit(self, id: int, exit_code: int) -> None:
        self._send_logs()
        self._send(encode(InvocationResult(id, exit_code=exit_code)))

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
        """Read the available bytes, or the whole rest of a large frame.

        Reading a large frame in pieces is slow if other threads compute: after each piece, the
        thread waits for the interpreter lock.
        """
        missing = self._reader.missing
        if missing <= _PIECE:
            return self._socket.recv(_PIECE)
        data = bytearray(missing)
        received = self._socket.recv_into(data, missing, socket.MSG_WAITALL)
        return data if received == missing else data[:received]

    def _send(self, frame: bytes) -> None:
        """Send ``frame``, or leave it to the thread that is sending now.

        Simultaneous results share a write. A large frame has a separate write, after all others.
        """
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
