"""The calls of a synchronous gRPC channel. A carrier sends their requests to the host."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Optional

import grpc

from embedded_worker.protocol import ClientResponse
from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2.carrier import Carrier, remaining
from embedded_worker.sdk2.rpc import (
    HISTORY,
    RpcStatusError,
    response_messages,
)
from embedded_worker.sdk2.status_codes import STATUS_CODES

Deserializer = Optional[Callable[[bytes], object]]
LOCALLY_CANCELLED = "Locally cancelled by application!"
IN_EVENT_LOOP = (
    "A coroutine function calls a synchronous durable client, which blocks the event loop that the "
    "host needs to respond. Use the asynchronous client, or call the synchronous client with "
    "await asyncio.to_thread(...). [EH412]"
)


class CarriedCall(grpc.RpcError, grpc.Call, grpc.Future):  # type: ignore[type-arg]
    """A started RPC. If it fails, the call is also the exception, as in grpc.

    The host's response is converted in the thread of the caller, when the caller reads it.
    """

    def __init__(
        self,
        rpc: str,
        response: concurrent.futures.Future[ClientResponse],
        deserializer: Deserializer = None,
        carrier: Carrier | None = None,
        deadline: float | None = None,
    ) -> None:
        super().__init__()
        self._rpc, self._response, self._deserializer = rpc, response, deserializer
        self._carrier, self._deadline = carrier, deadline
        self._failure: RpcStatusError | None = None
        self._messages: Iterator[bytes] = iter(())
        self._result: object = None
        self._converted = False
        self._converting = threading.Lock()

    def _wait(self, timeout: float | None = None) -> None:
        """Wait until the host has responded or the call has failed.

        Raises grpc.FutureTimeoutError after ``timeout`` seconds.
        """
        if not self._response.done() and self._carrier is not None and self._carrier.in_own_loop():
            self._fail(RpcStatus.FAILED_PRECONDITION, IN_EVENT_LOOP)
        left = remaining(self._deadline)
        limits = [limit for limit in (left, timeout) if limit is not None]
        try:
            self._response.exception(min(limits) if limits else None)
        except concurrent.futures.CancelledError:
            pass
        except concurrent.futures.TimeoutError:
            if remaining(self._deadline) != 0:
                raise grpc.FutureTimeoutError from None
            self._fail(RpcStatus.DEADLINE_EXCEEDED, "Deadline Exceeded")
        with self._converting:
            if not self._converted:
                self._converted = True
                self._convert()

    def _fail(self, code: int, details: str) -> bool:
        """End the call with a status. Return False if the call has already ended."""
        if self._response.done():
            return False
        self._failure = RpcStatusError(code, details)
        return self._response.cancel()

    def _convert(self) -> None:
        """Convert the response to messages. The messages of a stream are converted one by one."""
        try:
            self._messages = response_messages(self._rpc, self._response.result())
            if self._rpc != HISTORY:
                self._result = self._deserialized(next(self._messages))
            self._failure = None
        except concurrent.futures.CancelledError:
            self._failure = self._failure or RpcStatusError(RpcStatus.CANCELLED, LOCALLY_CANCELLED)
        except RpcStatusError as error:
            self._failure = error

    def _deserialized(self, message: bytes) -> object:
        return message if self._deserializer is None else self._deserializer(message)

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        """Return the next message of a stream."""
        self._wait()
        with self._converting:
            if self._failure is None:
                try:
                    return self._deserialized(next(self._messages))
                except RpcStatusError as error:
                    self._failure = error
        raise self

    next = __next__

    # -- grpc.Call

    def initial_metadata(self) -> tuple[()]:
        """Return no metadata."""
        return ()

    def trailing_metadata(self) -> tuple[()]:
        """Return no metadata."""
        return ()

    def code(self) -> grpc.StatusCode:
        """Wait for the end of the call and return its status."""
        self._wait()
        return STATUS_CODES[RpcStatus.OK if self._failure is None else self._failure.code]

    def details(self) -> str:
        """Wait for the end of the call and return its details."""
        self._wait()
        return "" if self._failure is None else self._failure.details

    def debug_error_string(self) -> str:
        """Return the name of the status and the details."""
        code = self.code()
        return "" if code is grpc.StatusCode.OK else f"{code.name}:{self.details()}"

    def is_active(self) -> bool:
        """Return True if the call has not ended."""
        return not self.done()

    def time_remaining(self) -> float | None:  # type: ignore[override]
        """Return the seconds until the deadline, or None."""
        return remaining(self._deadline)

    def cancel(self) -> bool:
        """Cancel the call."""
        return self._fail(RpcStatus.CANCELLED, LOCALLY_CANCELLED)

    def close(self) -> None:
        """Cancel the call, because its channel is closed."""
        self._fail(RpcStatus.CANCELLED, "Channel closed!")

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call ``callback`` at the end of the call. Return False if the call has already ended."""
        if self.done():
            return False
        self._response.add_done_callback(lambda response: callback())
        return True

    # -- grpc.Future

    def cancelled(self) -> bool:
        """Return True if the call was cancelled."""
        return (
            self._response.cancelled()
            and self._failure is not None
            and self._failure.code == RpcStatus.CANCELLED
        )

    def running(self) -> bool:
        """Return True if the call has not ended."""
        return not self.done()

    def done(self) -> bool:
        """Return True if the host has responded or the call has failed."""
        return self._response.done()

    def result(self, timeout: float | None = None) -> object:
        """Wait and return the response. If the call failed, raise the call as an exception."""
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self._result

    def exception(self, timeout: float | None = None) -> CarriedCall | None:
        """Wait and return this call if it failed, or None."""
        self._wait(timeout)
        if self.cancelled():
            raise grpc.FutureCancelledError
        return None if self._failure is None else self

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        """Wait and return the traceback of the call's error, or None."""
        error = self.exception(timeout)
        if error is None:
            return None
        with contextlib.suppress(CarriedCall):
            raise error
        return error.__traceback__

    def add_done_callback(self, fn: Callable[[CarriedCall], None]) -> None:
        """Call ``fn`` with this call when the call has ended."""
        self._response.add_done_callback(lambda response: fn(self))

    def __str__(self) -> str:
        name = type(self).__name__
        if not self.done():
            return f"<{name} of in-flight RPC>"
        code, details = self.code(), self.details()
        debug = self.debug_error_string()
        error = f'\tdebug_error_string = "{debug}"\n' if debug else ""
        return (
            f"<{name} of RPC that terminated with:\n"
            f'\tstatus = {code}\n\tdetails = "{details}"\n{error}>'
        )

    __repr__ = __str__


# The subclasses have the names of grpc's classes, because the name of an exception appears in the
# histories and logs of an app.


class _InactiveRpcError(CarriedCall):
    """A blocking call."""


class _MultiThreadedRendezvous(CarriedCall):
    """A call that runs in the background, or returns a stream."""


BlockingCall = _InactiveRpcError
BackgroundCall = _MultiThreadedRendezvous
