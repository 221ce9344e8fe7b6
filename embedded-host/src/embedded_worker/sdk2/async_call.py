"""The calls of an asyncio gRPC channel. A carrier sends their requests to the host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator
from typing import Optional, cast

import grpc
import grpc.aio

from embedded_worker.sdk2.carrier import carrier_of, deadline_of, remaining
from embedded_worker.sdk2.rpc import RpcStatusError, request_document, response_messages
from embedded_worker.sdk2.status_codes import STATUS_CODES
from embedded_worker.sdk2.sync_call import LOCALLY_CANCELLED

Deserializer = Optional[Callable[[bytes], object]]
EOF: object = vars(grpc.aio)["EOF"]
"""The result of ``read`` at the end of a stream. The type stubs of grpc omit this name."""


def rpc_error(error: RpcStatusError) -> grpc.aio.AioRpcError:
    """Return the exception of grpc for a status."""
    code = STATUS_CODES[error.code]
    return grpc.aio.AioRpcError(
        code,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        error.details,
        f"{code.name}:{error.details}",
    )


class Transport:
    """Sends the request of one call."""

    def __init__(self, target: str, rpc: str, data: bytes, timeout: float | None) -> None:
        self._target, self._rpc, self._data = target, rpc, data
        self._deadline = deadline_of(timeout)

    async def response(self, deserializer: Deserializer) -> object:
        """Return the response. Raises AioRpcError."""
        return await (await self.stream(deserializer)).__anext__()

    async def stream(self, deserializer: Deserializer) -> AsyncIterator[object]:
        """Wait until the host has responded, and return an iterator of the responses.

        This method and the iterator raise AioRpcError.
        """
        try:
            document = request_document(self._rpc, self._data)
            carrier = carrier_of(self._target)
            response = await carrier.exchange(self._rpc, document, self._deadline)
        except RpcStatusError as error:
            raise rpc_error(error) from None

        async def messages() -> AsyncIterator[object]:
            try:
                for message in response_messages(self._rpc, response):
                    yield message if deserializer is None else deserializer(message)
                    await asyncio.sleep(0)  # the conversion of a long history takes time
            except RpcStatusError as error:
                raise rpc_error(error) from None

        return messages()


class _Call:
    """A started call: a task in the caller's event loop."""

    def __init__(self, work: Coroutine[None, None, object], timeout: float | None) -> None:
        self._task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        # The caller may ignore the exception. asyncio would then log it.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._deadline = deadline_of(timeout)

    def ended(self) -> asyncio.Task[object]:
        """Return the task, for asyncio.wait."""
        return self._task

    def cancel(self) -> bool:
        """Cancel the call, and return False if it has ended."""
        return self._task.cancel()

    def close(self) -> None:
        """Cancel the call from any event loop."""
        loop = self._task.get_loop()
        if loop is asyncio.get_running_loop():
            self._task.cancel()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._task.cancel)

    def cancelled(self) -> bool:
        """Return True if the call was cancelled."""
        return self._task.cancelled()

    def done(self) -> bool:
        """Return True if the host has responded or the call has failed."""
        return self._task.done()

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline, or None."""
        return remaining(self._deadline)

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """Return no metadata."""
        return grpc.aio.Metadata()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """Return no metadata."""
        return grpc.aio.Metadata()

    async def code(self) -> grpc.StatusCode:
        """Wait for the end of the call and return its status."""
        error = await self._error()
        if error is None:
            return grpc.StatusCode.OK
        if isinstance(error, asyncio.CancelledError):
            return grpc.StatusCode.CANCELLED
        return error.code() if isinstance(error, grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN

    async def details(self) -> str:
        """Wait for the end of the call and return its details."""
        error = await self._error()
        if error is None:
            return ""
        if isinstance(error, asyncio.CancelledError):
            return LOCALLY_CANCELLED
        return (error.details() or "") if isinstance(error, grpc.aio.AioRpcError) else str(error)

    async def debug_error_string(self) -> str:
        """Return the name of the status and the details."""
        error = await self._error()
        if isinstance(error, grpc.aio.AioRpcError):
            return error.debug_error_string() or ""
        return await self.details()

    async def wait_for_connection(self) -> None:
        """Return at once, because the connection exists."""

    async def _error(self) -> BaseException | None:
        await asyncio.wait([self._task])
        return asyncio.CancelledError() if self._task.cancelled() else self._task.exception()


class UnaryCall(_Call, grpc.aio.UnaryUnaryCall):  # type: ignore[type-arg]
    """A call with one response, which ``await`` returns."""

    def add_done_callback(self, callback: Callable[[UnaryCall], None]) -> None:
        """Call ``callback`` with this call when the call has ended."""
        self._task.add_done_callback(lambda task: callback(self))

    def __await__(self) -> Generator[None, None, object]:
        return cast("Generator[None, None, object]", self._task.__await__())


class StreamCall(_Call, grpc.aio.UnaryStreamCall):  # type: ignore[type-arg]
    """A call with a stream of responses. The result of its task is an asynchronous iterable."""

    _iterator: AsyncIterator[object] | None = None

    def add_done_callback(self, callback: Callable[[StreamCall], None]) -> None:
        """Call ``callback`` with this call when the host has responded."""
        self._task.add_done_callback(lambda task: callback(self))

    def __aiter__(self) -> AsyncIterator[object]:
        if self._iterator is None:
            self._iterator = self._responses()
        return self._iterator

    async def _responses(self) -> AsyncIterator[object]:
        async for response in cast("AsyncIterable[object]", await self._task):
            yield response

    async def read(self) -> object:
        """Return the next response, or grpc.aio.EOF."""
        try:
            return await self.__aiter__().__anext__()
        except StopAsyncIteration:
            return EOF
