"""A synchronous gRPC channel whose RPCs a carrier sends to the host.

The channel ignores metadata, credentials, compression, ``wait_for_ready`` and limits of the message
size, because it has no network transport.
"""

from __future__ import annotations

import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NoReturn, Optional, TypeVar, Union, cast

import grpc

from embedded_worker.protocol import ClientResponse
from embedded_worker.sdk2.blocking_exchange import start_in_thread
from embedded_worker.sdk2.carrier import Carrier, carrier_of, deadline_of
from embedded_worker.sdk2.rpc import RpcStatusError, not_implemented, request_document, rpc_name
from embedded_worker.sdk2.sync_call import BackgroundCall, BlockingCall, CarriedCall, Deserializer

Serializer = Optional[Callable[[object], bytes]]
Metadata = Optional[Sequence[tuple[str, Union[str, bytes]]]]
C = TypeVar("C", bound=CarriedCall)


class SyncChannel(grpc.Channel):
    """A channel that is always ready."""

    def __init__(self, target: str) -> None:
        self._target = target
        """The key for ``carrier_of``."""
        self._calls: weakref.WeakSet[CarriedCall] = weakref.WeakSet()
        self._calls_lock = threading.Lock()
        self._closed = False

    def start(
        self,
        kind: type[C],
        rpc: str,
        request: bytes,
        deserializer: Deserializer,
        timeout: float | None,
    ) -> C:
        """Start a call and return it. Raises ValueError if the channel is closed."""
        if self._closed:
            raise ValueError("Cannot invoke RPC on closed channel!")
        deadline = deadline_of(timeout)
        carrier: Carrier | None = None
        try:
            document = request_document(rpc, request)
            carrier = carrier_of(self._target)
            if carrier.endpoint and carrier.in_own_loop():
                # The caller may block the event loop that the connection needs.
                response = start_in_thread(carrier.endpoint, rpc, document, deadline)
                carrier = None
            else:
                response = carrier.start(rpc, document, deadline)
        except RpcStatusError as error:
            response = _failed(error)
        call = kind(rpc, response, deserializer, carrier, deadline)
        with self._calls_lock:
            self._calls.add(call)
        return call

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.UnaryUnaryMultiCallable[object, object]:
        """Return a function that calls the RPC ``method``."""
        return UnaryUnary(self, method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.UnaryStreamMultiCallable[object, object]:
        """Return a function that calls the RPC ``method``, whose responses are a stream."""
        return UnaryStream(self, method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.StreamUnaryMultiCallable[object, object]:
        """Return a function that fails, because the service has no such RPC."""
        return cast("grpc.StreamUnaryMultiCallable[object, object]", Unimplemented(method))

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer = None,
        response_deserializer: Deserializer = None,
        _registered_method: bool | None = False,
    ) -> grpc.StreamStreamMultiCallable[object, object]:
        """Return a function that fails, because the service has no such RPC."""
        return cast("grpc.StreamStreamMultiCallable[object, object]", Unimplemented(method))

    def subscribe(
        self,
        callback: Callable[[grpc.ChannelConnectivity], None],
        try_to_connect: bool | None = False,
    ) -> None:
        """Call ``callback`` with READY in another thread."""
        threading.Thread(
            target=callback, args=(grpc.ChannelConnectivity.READY,), daemon=True
        ).start()

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Do nothing, because the state does not change."""

    def close(self) -> None:
        """Cancel the running calls and refuse new ones."""
        self._closed = True
        with self._calls_lock:
            calls = list(self._calls)
        for call in calls:
            call.close()

    def __enter__(self) -> SyncChannel:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()


def _failed(error: RpcStatusError) -> concurrent.futures.Future[ClientResponse]:
    response: concurrent.futures.Future[ClientResponse] = concurrent.futures.Future()
    response.set_exception(error)
    return response


class _Rpc:
    """An RPC of a channel."""

    def __init__(
        self,
        channel: SyncChannel,
        method: str,
        serializer: Serializer,
        deserializer: Deserializer,
    ) -> None:
        self._channel, self._name = channel, rpc_name(method)
        self._serializer, self._deserializer = serializer, deserializer

    def _start(self, kind: type[C], request: object, timeout: float | None) -> C:
        data = cast(bytes, request) if self._serializer is None else self._serializer(request)
        return self._channel.start(kind, self._name, data, self._deserializer, timeout)


class UnaryUnary(_Rpc, grpc.UnaryUnaryMultiCallable):  # type: ignore[type-arg]
    """Calls an RPC that has one response."""

    def __call__(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> object:
        """Wait for the response and return it."""
        return self.with_call(request, timeout)[0]

    def with_call(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> tuple[object, grpc.Call]:
        """Wait for the response and return it with the call."""
        call = self._start(BlockingCall, request, timeout)
        if call.code() is not grpc.StatusCode.OK:
            raise call
        return call.result(), call

    def future(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.CallFuture[object]:
        """Start the call and return it."""
        return cast("grpc.CallFuture[object]", self._start(BackgroundCall, request, timeout))


class UnaryStream(_Rpc, grpc.UnaryStreamMultiCallable):  # type: ignore[type-arg]
    """Calls an RPC that has a stream of responses."""

    def __call__(
        self,
        request: object,
        timeout: float | None = None,
        metadata: Metadata = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.CallIterator[object]:
        """Start the call and return it. The call is the iterator of the responses."""
        return cast("grpc.CallIterator[object]", self._start(BackgroundCall, request, timeout))


class Unimplemented:
    """An RPC with a stream of requests, which the service does not have."""

    def __init__(self, method: str) -> None:
        self._name = rpc_name(method)

    def __call__(self, *arguments: object, **options: object) -> NoReturn:
        """Fail."""
        raise BlockingCall(self._name, _failed(not_implemented(self._name)))

    with_call = future = __call__
