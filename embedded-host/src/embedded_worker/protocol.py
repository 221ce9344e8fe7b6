"""What host and worker say to each other: msgpack frames, each behind its length in four bytes, over a socket for each placement.

The host sends ``Load`` on the event loop's; then invocations go one way and results the other, in any order, each on its function's
socket.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, cast

import msgspec

from embedded_host.engine.json_codec import encodable

MAX_FRAME = 512 * 1024 * 1024
"""Bytes. Bodies are limited to 100 MB before they come here; this only keeps a broken peer from asking for all memory."""


class Frame(msgspec.Struct, tag=True):
    pass


Placement = Literal["event_loop", "durable_threads", "function_threads"]
"""Where a function runs in a worker: coroutine functions in its event loop, orchestrators and entities in threads of their own,
all others in further threads. Besides its functions' calls, the event loop's connection carries all that is no call."""
PLACEMENTS: tuple[Placement, ...] = ("event_loop", "durable_threads", "function_threads")


class Hello(Frame):
    """Where the worker connects (see ``connecting``): who it is, and what for."""

    token: str
    placement: Placement


class FunctionSpec(msgspec.Struct, frozen=True):
    """An entry of ``app.definitions.Function`` as the worker needs it."""

    name: str
    directory: str
    script_file: str
    entry_point: str
    bindings: list[dict[str, Any]]


class LoadRequest(Frame):
    root: str
    functions: list[FunctionSpec]
    log_level: str = "INFO"
    v2_script: str | None = None
    """The v2 app's file, if there is one."""
    rpc_base: str = ""
    """The base of the SDK's endpoint, as the durableClient binding has it."""


class LoadProblem(msgspec.Struct, frozen=True):
    function: str | None
    """None: the whole app."""
    text: str
    """What is wrong, where and what to do."""
    stack: str = ""


class ImportStarted(Frame):
    """The worker is about to import this function's module (of a v2 app: this file)."""

    function: str


class LoadResult(Frame):
    problems: list[LoadProblem]
    functions: list[FunctionSpec] = []
    """What a v2 app declares; its order is the app's."""
    placements: dict[str, Placement] = {}
    """By function."""


class HttpRequestData(msgspec.Struct):
    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    route: dict[str, str]
    body: bytes


class HttpResponseData(msgspec.Struct):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class InvocationRequest(Frame):
    """``trigger`` is the trigger's value: a request, or the text of an orchestration, activity or entity."""

    id: int
    function: str
    trigger: HttpRequestData | str
    invocation_id: str = ""
    client: str = ""
    """The durableClient binding's value, where the function has one."""


class TurnRequest(Frame):
    """One turn of an orchestrator: ``payload`` is the whole of what the SDK reads; or, with ``seen`` above 0, only the events
    behind those that the worker has seen. A worker that has not got that orchestrator in memory answers ``missing``."""

    id: int
    function: str
    instance_id: str
    execution_id: str
    payload: str
    seen: int = 0


class ErrorData(msgspec.Struct):
    type: str
    message: str
    stack: str = ""


class InvocationResult(Frame):
    """``value`` is a response for an HTTP trigger, else the output's JSON text."""

    id: int
    value: HttpResponseData | str | None = None
    error: ErrorData | None = None
    missing: bool = False
    counts: list[int] | None = None
    """Of a turn, like ``known``: see ``engine.actions.TurnAnswer``."""
    known: int = 0
    kept: bool = False
    """Of a turn: the worker has the orchestrator in memory, for its next one."""


class ClientRequest(Frame):
    """The worker's durable client asks the host; ``path`` is what follows the SDK endpoint's base, query included."""

    id: int
    method: str
    path: str
    body: bytes


class ClientResponse(Frame):
    id: int
    status: int
    body: bytes


class StopRequest(Frame):
    """End: all calls have been answered."""


Message = (
    Hello
    | LoadRequest
    | ImportStarted
    | LoadResult
    | InvocationRequest
    | TurnRequest
    | InvocationResult
    | ClientRequest
    | ClientResponse
    | StopRequest
)
KEPT = 400
"""Orchestrators that one worker keeps in memory; the host reckons with it."""
FEW = 3
"""Invocations under way: with so many or fewer each message goes at once, with more they are written together."""
LARGE = 256 * 1024
"""Bytes from which on a frame waits until those before it have been taken: frames that are not large go ahead of those that wait,
so that a call is held up by one large frame at the most."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)
_LENGTH = struct.Struct(">I")


class MalformedFrameError(ValueError):
    """The peer does not speak this protocol."""


class UnsendableMessageError(ValueError):
    """It is too large, or has text that is none; the text says which."""


def encode(message: Message) -> bytes:
    """A result that cannot be sent, as it is too large or has text that is none (a lone surrogate), becomes its function's error,
    and the answer to a client a 500: an answer there must be. Raises UnsendableMessageError for all others."""
    try:
        body = _encoder.encode(message)
        if len(body) > MAX_FRAME:
            raise OverflowError(f"it has {len(body)} bytes, and {MAX_FRAME} are the most")
    except (UnicodeEncodeError, OverflowError, MemoryError) as error:
        if isinstance(message, InvocationResult):
            unsendable = _unsendable(message, error)
            body = _encoder.encode(
                InvocationResult(message.id, error=unsendable, counts=message.counts, known=message.known)
            )
        elif isinstance(message, ClientResponse):
            body = _encoder.encode(ClientResponse(message.id, 500, b'"The answer is too large for a worker."'))
        else:
            raise UnsendableMessageError(f"{type(error).__name__}: {error}") from error
    return _LENGTH.pack(len(body)) + body


def _unsendable(result: InvocationResult, error: Exception) -> ErrorData:
    if result.error is not None:
        return ErrorData(*map(encodable, (result.error.type, result.error.message, result.error.stack)))
    return ErrorData(type(error).__name__, f"what the function returns cannot be handed to the host: {error}")


class FrameReader:
    """Puts frames together from whatever pieces arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def missing(self) -> int:
        """So many bytes the frame wants that has begun; 0 if none has, or not so far that it says."""
        buffer = self._buffer
        return 4 + _LENGTH.unpack_from(buffer)[0] - len(buffer) if len(buffer) >= 4 else 0

    def feed(self, data: bytes | bytearray) -> list[Message]:
        """The messages that are complete now. Raises MalformedFrameError."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        at = 0
        while len(buffer) - at >= 4:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if length > MAX_FRAME:
                raise MalformedFrameError(f"a frame of {length} bytes")
            if len(buffer) - at - 4 < length:
                break
            try:
                messages.append(_decoder.decode(memoryview(buffer)[at + 4 : at + 4 + length]))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # among them text that is not UTF-8
                raise MalformedFrameError(str(error)) from error
            at += 4 + length
        if at:
            del buffer[:at]
        return messages


class Channel(asyncio.Protocol):
    """One end of the connection. ``on_message(channel, message)`` and ``on_close(channel)`` are called in the event loop."""

    def __init__(self, on_message: Callable[[Channel, Message], None], on_close: Callable[[Channel], None]) -> None:
        self._on_message, self._on_close = on_message, on_close
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._large: deque[bytes] = deque()
        self._full = False

    def handle(self, on_message: Callable[[Channel, Message], None], on_close: Callable[[Channel], None]) -> None:
        """From now on, tell these."""
        self._on_message, self._on_close = on_message, on_close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except MalformedFrameError:
            self.close()
            return
        for message in messages:
            self._on_message(self, message)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._on_close(self)

    def send(self, message: Message, *, at_once: bool = False) -> None:
        """What is sent in one round of the event loop is written together at its end, unless it is to go at once: that saves
        a lone caller the rest of the round. Raises ConnectionError if the peer is gone."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection between host and worker is closed")
        frame = encode(message)
        if len(frame) >= LARGE:
            self._large.append(frame)
            self._write_large()
        elif at_once and not self._unsent:
            self._transport.write(frame)
        else:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append(frame)

    def _write_large(self) -> None:
        while self._large and not self._full and self._transport is not None:
            self._transport.write(self._large.popleft())

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._write_large()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and unsent:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def close(self) -> None:
        self._flush()
        if self._transport is not None:
            while self._large:
                self._transport.write(self._large.popleft())
            self._transport.close()
