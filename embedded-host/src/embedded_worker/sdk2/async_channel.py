"""An asyncio gRPC channel whose RPCs a carrier sends to the host.

The channel ignores metadata, credentials, compression, ``wait_for_ready`` and limits of the message
size, because it has no network transport. Interceptors may read and change these values.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import NoReturn, Optional, Union, cast

import grpc
import grpc.aio

from embedded_worker.sdk2.async_call import (
    StreamCall,
    Transport,
    UnaryCall,
    rpc_error,
)
from embedded_worker.sdk2.rpc import not_implemented, rpc_name

Serializer = Optional[Callable[[object], bytes]]
Deserializer = Optional[Callable[[bytes], object]]
Metadata = Union[grpc.aio.Metadata, Sequence[tuple[str, Union[str, bytes]]], None]


class AsyncChannel(grpc.aio.Channel):
    """A channel that is always ready."""

    def __init__(self, target: str, interceptors: Sequence[object]) -> None:
        """Use each interceptor for the first kind of RPC that it supports, as grpc does.

        ``target`` is a key for ``carrier_of``.
        """
        self._target = target
        self._unary: list[grpc.aio.UnaryUnaryClientInterceptor[object, object]] = []
        self._stream: list[grpc.aio.UnaryStreamClientInterceptor[object, object]] = []
        for interceptor in interceptors:
            if isinstance(interceptor, grpc.aio.UnaryUnaryClientInterceptor):
                self._unary.append(interceptor)
            elif isinstance(interceptor, grpc.aio.UnaryStreamClientInterceptor):
                self._stream.append(interceptor)
            elif not isinstance(
                interceptor,
                (grpc.aio.StreamUnaryClientInterceptor, grpc.aio.StreamStreamClientInterceptor),
            ):
                raise ValueError(
                    f"Interceptor {interceptor!r} must be a client interceptor of grpc"
                )
        self._calls: set[UnaryCall | StreamCall] = set()
        self._closed = asyncio.Event()

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[object, object]:
        """Return a function that calls the RPC ``method``."""
        return UnaryUnary(self, method, request_serializer, response_deserializer, self._unary)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryStreamMultiCallable[object, object]:
        """Return a function that calls the RPC ``method``, whose responses are a stream."""
        return UnaryStream(self, method, request_serializer, response_deserializer, self._stream)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamUnaryMultiCallable[object, object]:
        """Return a function that fails, because the service has no such RPC."""
        return cast("grpc.aio.StreamUnaryMultiCallable[object, object]", Unimplemented(method))

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamStreamMultiCallable[object, object]:
        """Return a function that fails, because the service has no such RPC."""
        return cast("grpc.aio.StreamStreamMultiCallable[object, object]", Unimplemented(method))

    def transport(self, rpc: str, data: bytes, timeout: float | None) -> Transport:
        """Return the transport of a call. Raises grpc.aio.UsageError if the channel is closed."""
        self._check_open()
        return Transport(self._target, rpc, data, timeout)

    def register(self, call: UnaryCall | StreamCall) -> None:
        """Remember ``call``, so that ``close`` cancels the call if it still runs."""
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise grpc.aio.UsageError("Channel is closed.")

    async def close(self, grace: float | None = None) -> None:
        """Refuse new calls, and cancel the calls that still run after ``grace`` seconds."""
        self._closed.set()
        if grace and self._calls:
            await asyncio.wait([call.ended() for call in self._calls], timeout=grace)
        for call in list(self._calls):
            call.close()

    async def __aenter__(self) -> AsyncChannel:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return READY, or SHUTDOWN if the channel is closed."""
        closed = self._closed.is_set()
        return grpc.ChannelConnectivity.SHUTDOWN if closed else grpc.ChannelConnectivity.READY

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the channel has another state."""
        if last_observed_state is self.get_state():
            await self._closed.wait()

    async def channel_ready(self) -> None:
        """Return at once, unless the channel is closed."""
        self._check_open()


class _Rpc:
    """An RPC of a channel."""

    def __init__(
        self,
        channel: AsyncChannel,
        method: str,
        serializer: Serializer,
        deserializer: Deserializer,
    ) -> None:
        self._channel, self._method = channel, method
        self._serializer, self._deserializer = serializer, deserializer

    def _serialized(self, request: object) -> bytes:
        return cast(bytes, request) if self._serializer is None else self._serializer(request)

    def _details(
        self,
        timeout: float | None,
        metadata: Metadata,
        credentials: grpc.CallCredentials | None,
        wait_for_ready: bool | None,
    ) -> grpc.aio.ClientCallDetails:
        given = metadata if isinstance(metadata, grpc.aio.Metadata) else None
        return grpc.aio.ClientCallDetails(
            # grpc passes bytes, although the type is str
            cast(str, self._method.encode()),
            timeout,
            grpc.aio.Metadata(*(metadata or ())) if given is None else given,
            credentials,
            wait_for_ready,
        )


class UnaryUnary(_Rpc, grpc.aio.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """Calls an RPC that has one response."""

    def __init__(
        self,
        channel: AsyncChannel,
        method: str,
        serializer: Serializer,
        deserializer: Deserializer,
        interceptors: Sequence[grpc.aio.UnaryUnaryClientInterceptor[object, object]],
    ) -> None:
        super().__init__(channel, method, serializer, deserializer)
        self._interceptors = interceptors

    def __call__(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.UnaryUnaryCall[object, object]:
        """Start the call and return it."""
        if not self._interceptors:
            return self._call(self._method, timeout, request)
        details = self._details(timeout, metadata, credentials, wait_for_ready)
        call = UnaryCall(self._response(details, request), timeout)
        self._channel.register(call)
        return call

    def _call(self, method: str | bytes, timeout: float | None, request: object) -> UnaryCall:
        transport = self._channel.transport(rpc_name(method), self._serialized(request), timeout)
        call = UnaryCall(transport.response(self._deserializer), timeout)
        self._channel.register(call)
        return call

    async def _response(self, details: grpc.aio.ClientCallDetails, request: object) -> object:
        return await (await self._intercepted(0, details, request))

    async def _intercepted(
        self, index: int, details: grpc.aio.ClientCallDetails, request: object
    ) -> grpc.aio.UnaryUnaryCall[object, object]:
        if index == len(self._interceptors):
            return self._call(details.method, details.timeout, request)

        def proceed(
            details: grpc.aio.ClientCallDetails, request: object
        ) -> Coroutine[None, None, grpc.aio.UnaryUnaryCall[object, object]]:
            return self._intercepted(index + 1, details, request)

        returned: object = await self._interceptors[index].intercept_unary_unary(
            proceed,  # type: ignore[arg-type]  # the stubs omit that it is a coroutine function
            details,
            request,
        )
        if isinstance(returned, grpc.aio.UnaryUnaryCall):
            return returned
        return UnaryCall(_value(returned), None)


async def _value(value: object) -> object:
    return value


class UnaryStream(_Rpc, grpc.aio.UnaryStreamMultiCallable):  # type: ignore[type-arg]
    """Calls an RPC that has a stream of responses."""

    def __init__(
        self,
        channel: AsyncChannel,
        method: str,
        serializer: Serializer,
        deserializer: Deserializer,
        interceptors: Sequence[grpc.aio.UnaryStreamClientInterceptor[object, object]],
    ) -> None:
        super().__init__(channel, method, serializer, deserializer)
        self._interceptors = interceptors

    def __call__(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.UnaryStreamCall[object, object]:
        """Start the call and return it."""
        if not self._interceptors:
            return self._call(self._method, timeout, request)
        details = self._details(timeout, metadata, credentials, wait_for_ready)
        call = StreamCall(self._intercepted(0, details, request), timeout)
        self._channel.register(call)
        return call

    def _call(self, method: str | bytes, timeout: float | None, request: object) -> StreamCall:
        transport = self._channel.transport(rpc_name(method), self._serialized(request), timeout)
        call = StreamCall(transport.stream(self._deserializer), timeout)
        self._channel.register(call)
        return call

    async def _intercepted(
        self, index: int, details: grpc.aio.ClientCallDetails, request: object
    ) -> object:
        """Return an asynchronous iterable of the responses."""
        if index == len(self._interceptors):
            return self._call(details.method, details.timeout, request)

        async def proceed(
            details: grpc.aio.ClientCallDetails, request: object
        ) -> grpc.aio.UnaryStreamCall[object, object]:
            returned = await self._intercepted(index + 1, details, request)
            if isinstance(returned, grpc.aio.UnaryStreamCall):
                return returned
            return StreamCall(_value(returned), None)

        return await self._interceptors[index].intercept_unary_stream(
            proceed,  # type: ignore[arg-type]  # the stubs omit that it is a coroutine function
            details,
            request,
        )


class Unimplemented:
    """An RPC with a stream of requests, which the service does not have."""

    def __init__(self, method: str) -> None:
        self._name = rpc_name(method)

    def __call__(self, *arguments: object, **options: object) -> NoReturn:
        """Fail."""
        raise rpc_error(not_implemented(self._name))
