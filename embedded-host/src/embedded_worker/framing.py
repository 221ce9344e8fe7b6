"""Encodes messages into frames and decodes them.

A frame has four parts: the length of the header, the length of the blob, the header, the blob.
Each length is an unsigned 32-bit big-endian integer.
The header is a JSON array in UTF-8 with the message's type and its fields.
The blob has the one field that may be large: a payload, an output or a body. It is not escaped, and
the reader copies it only once.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from json.encoder import encode_basestring as _quote
from typing import Any, TypeVar

from embedded_worker.protocol import (
    CONSOLE_FORMATS,
    PLACEMENTS,
    PROTOCOL_VERSION,
    BindingSpec,
    CallLineData,
    ClientRequest,
    ClientResponse,
    ErrorData,
    FindingData,
    FindingReport,
    FunctionSpec,
    Hello,
    HttpRequestData,
    HttpResponseData,
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadProblem,
    LoadRequest,
    LoadResult,
    LogLine,
    LogOptions,
    LogReport,
    Message,
    Placement,
    RetryData,
    StopRequest,
    TraceData,
    TurnRequest,
)

T = TypeVar("T")
MAX_FRAME = 512 * 1024 * 1024
"""Maximum size in bytes of header and blob, so that a broken peer cannot use up all memory.

The limit for HTTP bodies is lower: 100 MB.
"""
_LENGTHS = struct.Struct(">II")
_TRUTH = ("false", "true")
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode_header = json.JSONDecoder().raw_decode


class MalformedFrameError(ValueError):
    """Received bytes do not follow this protocol."""


class UnsendableMessageError(ValueError):
    """The message exceeds ``MAX_FRAME`` or has a string that cannot be encoded in UTF-8."""


# -- encoding --------------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """Return the frame of ``message``.

    The peer waits for results and client responses. Therefore a result that cannot be sent is
    replaced by an error, and a client response that cannot be sent is replaced by a response with
    status 500. Surrogates in the result of a load, a finding or a log line become U+FFFD. Raises
    UnsendableMessageError for any other message that cannot be sent.
    """
    try:
        return _frame(message)
    except (UnicodeEncodeError, OverflowError, MemoryError) as error:
        if isinstance(message, InvocationResult):
            unsendable = _unsendable(message, error)
            return _frame(
                InvocationResult(message.id, None, unsendable, False, message.counts, message.known)
            )
        if isinstance(message, ClientResponse):
            return _frame(
                ClientResponse(message.id, 500, b'"The response is too large for a worker."')
            )
        if isinstance(error, UnicodeEncodeError) and isinstance(
            message, (LoadResult, FindingReport, LogReport)
        ):
            return _frame(message, replaces_surrogates=True)
        raise UnsendableMessageError(f"{type(error).__name__}: {error}") from error


def _frame(message: Message, *, replaces_surrogates: bool = False) -> bytes:
    text, blob = _WRITERS[type(message)](message)
    if replaces_surrogates:
        text = re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
    header = text.encode()
    if len(header) + len(blob) > MAX_FRAME:
        raise OverflowError(
            f"it has {len(header) + len(blob)} bytes, but the maximum is {MAX_FRAME}"
        )
    return b"".join((_LENGTHS.pack(len(header), len(blob)), header, blob))


def _unsendable(result: InvocationResult, error: Exception) -> ErrorData:
    if result.error is not None:
        return ErrorData(*map(encodable, result.error))
    return ErrorData(
        type(error).__name__, f"the output of the function cannot be sent to the host: {error}"
    )


def encodable(text: str) -> str:
    """Return ``text`` with escaped lone surrogates, which UTF-8 cannot encode."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


Parts = tuple[str, bytes]
"""A header and a blob."""

# The headers of calls are written without the JSON encoder, which takes four times as long.


def _write_invocation(message: InvocationRequest) -> Parts:
    id, function, trigger, invocation_id, client, retry, trace, instance_id = message
    start = (
        f'["invocation",{id},{_quote(function)},{_quote(invocation_id)},{_quote(client)},'
        f"{_quote(instance_id)},"
    )
    start += "null," if retry is None else f"{_to_json(retry)},"
    start += "null," if trace is None else f"{_to_json(trace)},"
    if isinstance(trigger, str):
        return start + "null]", trigger.encode()
    return f"{start}{_to_json(trigger[:-1])}]", trigger.body


def _write_turn(message: TurnRequest) -> Parts:
    id, function, instance_id, execution_id, payload, seen, is_replay = message[:7]
    return (
        f'["turn",{id},{_quote(function)},{_quote(instance_id)},{_quote(execution_id)},{seen},'
        f"{_TRUTH[is_replay]},{_quote(message.invocation_id)},{_TRUTH[message.is_diagnosis]}]",
        payload.encode(),
    )


def _write_result(message: InvocationResult) -> Parts:
    id, value, error, missing, counts, known, kept, lines, exit_code, began = message
    if exit_code is not None:
        return f'["exit",{id},{exit_code}]', b""
    flags = f"{_TRUTH[missing]},{_TRUTH[kept]},{known},{'null' if counts is None else counts},"
    flags += "null" if lines is None else _to_json(lines)
    end = "]" if began is None else f",{began:.6f}]"
    if error is not None:
        return f'["result",{id},{flags},"error",{_to_json(error)}{end}', b""
    if value is None:
        return f'["result",{id},{flags},"none",null{end}', b""
    if isinstance(value, str):
        return f'["result",{id},{flags},"text",null{end}', value.encode()
    return f'["result",{id},{flags},"http",{_to_json(value[:-1])}{end}', value.body


_WRITERS: dict[type, Callable[[Any], Parts]] = {
    Hello: lambda message: (_to_json(["hello", message._asdict()]), b""),
    LoadRequest: lambda message: (_to_json(["load", *message]), b""),
    ImportStarted: lambda message: (_to_json(["import_started", *message]), b""),
    FindingReport: lambda message: (_to_json(["findings", *message]), b""),
    LoadResult: lambda message: (_to_json(["loaded", *message]), b""),
    LogReport: lambda message: (_to_json(["logs", *message]), b""),
    InvocationRequest: _write_invocation,
    TurnRequest: _write_turn,
    InvocationResult: _write_result,
    ClientRequest: lambda message: (
        _to_json(["client_request", message.id, message.method, message.path, message.trace]),
        message.body,
    ),
    ClientResponse: lambda message: (_to_json(["client_response", *message[:-1]]), message.body),
    StopRequest: lambda message: ('["stop"]', b""),
}


# -- decoding --------------------------------------------------------------------------------------


class FrameReader:
    """Decodes messages from pieces of a byte stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def missing(self) -> int:
        """The number of missing bytes of the first frame; 0 if its length is not known yet."""
        buffer = self._buffer
        return (
            _LENGTHS.size + sum(_LENGTHS.unpack_from(buffer)) - len(buffer)
            if len(buffer) >= _LENGTHS.size
            else 0
        )

    def feed(self, data: bytes | bytearray) -> list[Message]:
        """Return the messages that ``data`` completes.

        Raises MalformedFrameError if a frame does not follow the protocol.
        """
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        start = 0
        while len(buffer) - start >= _LENGTHS.size:
            header_length, blob_length = _LENGTHS.unpack_from(buffer, start)
            if header_length + blob_length > MAX_FRAME:
                raise MalformedFrameError(f"a frame of {header_length + blob_length} bytes")
            header_start = start + _LENGTHS.size
            blob_start = header_start + header_length
            end = blob_start + blob_length
            if len(buffer) < end:
                break
            view = memoryview(buffer)
            messages.append(_message(view[header_start:blob_start], view[blob_start:end]))
            del view  # a bytearray cannot be shortened while it has a view
            start = end
        if start:
            del buffer[:start]
        return messages


def _message(header: memoryview, blob: memoryview) -> Message:
    try:
        text = str(header, "utf-8")
        fields, end = _decode_header(text)
        if end != len(text):
            raise ValueError("the header is longer than its JSON")
        type_, *rest = fields
        return _READERS[type_](rest, blob)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise MalformedFrameError(f"{type(error).__name__}: {error}") from error


def _check(fields: list[Any], *types: type) -> None:
    """Raise TypeError unless ``fields`` is a list of values with exactly these types."""
    if type(fields) is not list or [*map(type, fields)] != [*types]:
        raise TypeError(f"unexpected field types: {[type(field).__name__ for field in fields]}")


def _texts(value: Any) -> dict[str, str]:
    _check([value], dict)
    _check([*value.values()], *[str] * len(value))
    return dict(value)


def _list(value: Any, read: Callable[[Any], T]) -> list[T]:
    _check([value], list)
    return [read(item) for item in value]


def _pair(value: Any) -> tuple[str, str]:
    _check(value, str, str)
    return value[0], value[1]


def _read_hello(fields: list[Any], blob: memoryview) -> Hello:
    _check(fields, dict)
    (named,) = fields
    if named["version"] != PROTOCOL_VERSION:
        _check([named["version"]], int)
        # The other fields may have another meaning in that version.
        return Hello("event_loop", version=named["version"])
    hello = Hello(**named)
    _check([*hello], str, str, int, str, str, str)
    return hello._replace(placement=_placement(hello.placement))


def _placement(value: Any) -> Placement:
    return PLACEMENTS[PLACEMENTS.index(value)]


def _read_function(value: Any) -> FunctionSpec:
    _check(value, str, str, str, str, list, str, int, dict)
    spec = FunctionSpec(*value)
    return spec._replace(bindings=_list(spec.bindings, _read_binding))


def _read_binding(value: Any) -> BindingSpec:
    _check(value, str, str, str, dict)
    return BindingSpec(*value)


def _read_load(fields: list[Any], blob: memoryview) -> LoadRequest:
    root, functions, logs, v2_script, rpc_base, grpc_target, strict = fields
    _check([root, v2_script or "", rpc_base, grpc_target, strict], str, str, str, str, bool)
    return LoadRequest(
        root,
        _list(functions, _read_function),
        _read_logs(logs),
        v2_script,
        rpc_base,
        grpc_target,
        strict,
    )


def _read_logs(value: Any) -> LogOptions:
    _check(value, dict, dict, str, bool)
    levels, console_levels, format, keeps = value
    return LogOptions(
        _texts(levels),
        _texts(console_levels),
        CONSOLE_FORMATS[CONSOLE_FORMATS.index(format)],
        keeps,
    )


def _read_import_started(fields: list[Any], blob: memoryview) -> ImportStarted:
    _check(fields, str)
    return ImportStarted(fields[0])


def _read_problem(value: Any) -> LoadProblem:
    function, text, stack = value
    _check([function or "", text, stack], str, str, str)
    return LoadProblem(function, text, stack)


def _read_finding(value: Any) -> FindingData:
    _check(value, str, str, str, str, int, str)
    return FindingData(*value)


def _read_findings(fields: list[Any], blob: memoryview) -> FindingReport:
    _check(fields, list)
    return FindingReport(_list(fields[0], _read_finding))


def _read_line(value: Any) -> LogLine:
    _check(value, int, int, str, str, str, str, str)
    return LogLine(*value)


def _read_log_report(fields: list[Any], blob: memoryview) -> LogReport:
    _check(fields, list, int)
    return LogReport(_list(fields[0], _read_line), fields[1])


def _read_loaded(fields: list[Any], blob: memoryview) -> LoadResult:
    _check(fields, list, list, dict, list)
    problems, functions, placements, findings = fields
    return LoadResult(
        _list(problems, _read_problem),
        _list(functions, _read_function),
        {name: _placement(value) for name, value in placements.items()},
        _list(findings, _read_finding),
    )


def _read_invocation(fields: list[Any], blob: memoryview) -> InvocationRequest:
    id, function, invocation_id, client, instance_id, retried, traced, http = fields
    if (
        type(id) is not int
        or not type(function) is type(invocation_id) is type(client) is type(instance_id) is str
    ):
        raise TypeError("fields of an invocation")
    retry = None if retried is None else _read_retry(retried)
    trace = _read_trace(traced)
    if http is None:
        value = str(blob, "utf-8")
        return InvocationRequest(
            id, function, value, invocation_id, client, retry, trace, instance_id
        )
    method, url, headers, query, route = http
    _check([method, url], str, str)
    request = HttpRequestData(
        method, url, _texts(headers), _texts(query), _texts(route), bytes(blob)
    )
    return InvocationRequest(
        id, function, request, invocation_id, client, retry, trace, instance_id
    )


def _read_trace(value: Any) -> TraceData | None:
    if value is None:
        return None
    _check(value, str, str)
    return TraceData(*value)


def _read_retry(value: Any) -> RetryData:
    count, maximum, error = value
    _check([count, maximum], int, int)
    if error is None:
        return RetryData(count, maximum)
    _check(error, str, str, str)
    return RetryData(count, maximum, ErrorData(*error))


def _read_turn(fields: list[Any], blob: memoryview) -> TurnRequest:
    id, function, instance_id, execution_id, seen, is_replay, invocation_id, is_diagnosis = fields
    if (
        not type(id) is type(seen) is int
        or not type(is_replay) is type(is_diagnosis) is bool
        or not type(function) is type(instance_id) is type(execution_id) is str
        or type(invocation_id) is not str
    ):
        raise TypeError("invalid fields of a turn")
    payload = str(blob, "utf-8")
    turn = (id, function, instance_id, execution_id, payload, seen, is_replay, invocation_id)
    return TurnRequest(*turn, is_diagnosis)


def _read_call(value: Any) -> tuple[int, str]:
    _check(value, int, str)
    return (value[0], value[1])


def _read_lines(value: Any) -> CallLineData:
    _check(value, list, str, int)
    calls, waits, differs_at = value
    return CallLineData(_list(calls, _read_call), waits, differs_at)


def _read_exit(fields: list[Any], blob: memoryview) -> InvocationResult:
    _check(fields, int, int)
    return InvocationResult(fields[0], exit_code=fields[1])


def _read_result(fields: list[Any], blob: memoryview) -> InvocationResult:
    id, missing, kept, known, counts, lines, kind, detail, *rest = fields
    if rest:
        _check(rest, float)
    if not type(id) is type(known) is int or not type(missing) is type(kept) is bool:
        raise TypeError("invalid fields of a result")
    if counts is not None:
        _check(counts, *[int] * len(counts))
    value: HttpResponseData | str | None = None
    error = None
    if kind == "text":
        value = str(blob, "utf-8")
    elif kind == "http":
        _check(detail, int, list)
        value = HttpResponseData(detail[0], _list(detail[1], _pair), bytes(blob))
    elif kind == "error":
        _check(detail, str, str, str)
        error = ErrorData(*detail)
    elif kind != "none":
        raise ValueError(f"a result of the kind {kind!r}")
    read = None if lines is None else _read_lines(lines)
    began = rest[0] if rest else None
    return InvocationResult(id, value, error, missing, counts, known, kept, read, began=began)


def _read_client_request(fields: list[Any], blob: memoryview) -> ClientRequest:
    id, method, path, trace = fields
    _check([id, method, path], int, str, str)
    return ClientRequest(id, method, path, bytes(blob), _read_trace(trace))


def _read_client_response(fields: list[Any], blob: memoryview) -> ClientResponse:
    _check(fields, int, int)
    id, status = fields
    return ClientResponse(id, status, bytes(blob))


def _read_stop(fields: list[Any], blob: memoryview) -> StopRequest:
    _check(fields)
    return StopRequest()


_READERS: dict[str, Callable[[list[Any], memoryview], Message]] = {
    "hello": _read_hello,
    "load": _read_load,
    "import_started": _read_import_started,
    "findings": _read_findings,
    "logs": _read_log_report,
    "loaded": _read_loaded,
    "invocation": _read_invocation,
    "turn": _read_turn,
    "result": _read_result,
    "exit": _read_exit,
    "client_request": _read_client_request,
    "client_response": _read_client_response,
    "stop": _read_stop,
}
