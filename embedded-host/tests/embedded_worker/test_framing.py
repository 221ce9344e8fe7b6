"""Encoding and decoding of every message, in any pieces, and malformed frames."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_worker import framing
from embedded_worker.framing import (
    MAX_FRAME,
    FrameReader,
    MalformedFrameError,
    UnsendableMessageError,
    encode,
)
from embedded_worker.protocol import (
    PROTOCOL_VERSION,
    BindingSpec,
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
    RetryData,
    StopRequest,
    TraceData,
    TurnRequest,
)

MESSAGES: list[Message] = [
    Hello("durable_threads", "token", python="3.11.7", azure_functions="1.26.0"),
    LoadRequest(
        "/app",
        [
            FunctionSpec(
                "F",
                "/app/F",
                "/app/F/__init__.py",
                "main",
                [BindingSpec("x", "y", "in", {"deep": [1, None]})],
            )
        ],
    ),
    LoadRequest(
        "/app",
        [],
        LogOptions({"default": "Debug"}, {"Function": "None"}, "func"),
        "function_app.py",
        "http://127.0.0.1:1/",
        "127.0.0.1:1",
        True,
    ),
    FindingReport([FindingData("EH811", "F", "A sentence.", "F/__init__.py", 3, "instance")]),
    ImportStarted("F"),
    LoadResult(
        [LoadProblem("F", "text", "stack"), LoadProblem(None, "text")],
        [],
        {"F": "durable_threads"},
        [],
    ),
    LoadResult(
        [],
        [FunctionSpec("F", "/app", "/app/function_app.py", "F", [], "lib.py", 7, {"a": 1})],
        {},
        [FindingData("EH811", "F")],
    ),
    InvocationRequest(
        1,
        "F",
        HttpRequestData("GET", "http://x", {"a": "b"}, {}, {"é": "你"}, b"\x00\xff"),
        "id",
        "client",
    ),
    InvocationRequest(2, "F", "text " * 1000),
    InvocationRequest(2, "F", "null", "id", "", RetryData(0, -1)),
    InvocationRequest(2, "F", "null", "id", trace=TraceData("00-a-b-01", "k=v")),
    ClientRequest(3, "GET", "path", b"", TraceData("00-a-b-01")),
    InvocationRequest(2, "F", "null", "id", "", RetryData(1, 3, ErrorData("E", "boom", "stack"))),
    InvocationRequest(2, "F", "null", "id", instance_id="i-1"),
    TurnRequest(3, "F", "instance", "execution", '["é"]', 7),
    TurnRequest(3, "F", "instance", "execution", "[]", invocation_id="id"),
    TurnRequest(3, "F", "instance", "execution", "[]", is_diagnosis=True),
    LogReport([LogLine(1, 2, "Function.F.User", "é", "F", "id", "i-1")], 3),
    ClientRequest(4, "POST", "orchestrators/F?x=é", b"\x00"),
    ClientResponse(4, 202, b"{}"),
    InvocationResult(1, HttpResponseData(200, [("Set-Cookie", "a"), ("Set-Cookie", "b")], b"")),
    InvocationResult(2, error=ErrorData("ValueError", "boom", "stack")),
    InvocationResult(3, "null", counts=[1, 2], known=1, kept=True),
    InvocationResult(4),
    InvocationResult(4, "1", began=1796062930.25),
    InvocationResult(5, missing=True),
    StopRequest(),
]


def same(one: Message, other: Message) -> bool:
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_decoded_message_equals_the_encoded_one(message: Message) -> None:
    (read,) = FrameReader().feed(encode(message))
    assert same(read, message)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_messages_are_joined_from_any_pieces(data: st.DataObject) -> None:
    stream = b"".join(encode(message) for message in MESSAGES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    reader = FrameReader()
    read = [
        m
        for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for m in reader.feed(stream[a:b])
    ]
    assert len(read) == len(MESSAGES)
    assert all(same(a, b) for a, b in zip(read, MESSAGES, strict=True))


def test_a_message_is_returned_with_its_last_byte() -> None:
    reader = FrameReader()
    whole = encode(StopRequest())
    assert [reader.feed(whole[i : i + 1]) for i in range(len(whole) - 1)] == [[]] * (len(whole) - 1)
    assert len(reader.feed(whole[-1:])) == 1


def frame(header: bytes, blob: bytes = b"") -> bytes:
    return struct.pack(">II", len(header), len(blob)) + header + blob


HELLO = {"version": PROTOCOL_VERSION, "placement": "event_loop", "token": "", "python": ""}
HELLO |= {"azure_functions": "", "azure_functions_durable": ""}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(struct.pack(">II", MAX_FRAME, 1), id="longer than the limit"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
        pytest.param(frame(b"abc"), id="invalid JSON"),
        pytest.param(frame(b""), id="empty header"),
        pytest.param(frame(b'["\xff"]'), id="invalid UTF-8"),
        pytest.param(frame(b'["stop"] '), id="bytes after the JSON"),
        pytest.param(frame(b"7"), id="number"),
        pytest.param(frame(b"{}"), id="object"),
        pytest.param(frame(b"[]"), id="empty array"),
        pytest.param(frame(b"[[]]"), id="type that is not a string"),
        pytest.param(frame(b'["no such message"]'), id="unknown type"),
        pytest.param(frame(b"[" * 100_000), id="too deep"),
        pytest.param(frame(b'["stop", 1]'), id="excess field"),
    ],
)
def test_a_malformed_frame_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(data)


@pytest.mark.parametrize(
    "fields",
    [
        ["hello", {**HELLO, "token": 1}],
        ["hello", {**HELLO, "placement": "elsewhere"}],
        ["hello", {**HELLO, "version": "1"}],
        ["hello", {**HELLO, "more": ""}],
        ["hello", {}],
        ["hello"],
        ["load", 1, [], "INFO", None, "", ""],
        ["load", "/", {}, "INFO", None, "", ""],
        ["load", "/", [["F", "/", "/", "main", [1]]], "INFO", None, "", ""],
        ["load", "/", [], "INFO", 1, "", ""],
        ["load", "/", [], "INFO", None, "", 1],
        ["load", "/", [], "INFO", None, ""],
        ["import_started", None],
        ["loaded", [["F", 1, ""]], [], {}],
        ["loaded", [], [], {"F": "elsewhere"}],
        ["loaded", [], [["F"]], {}],
        ["invocation", True, "F", "", "", None],
        ["invocation", 1, "F", "", ""],
        ["invocation", 1, "F", "", "", ["GET", "/", {"a": 1}, {}, {}]],
        ["invocation", 1, "F", "", "", ["GET", "/", [], {}, {}]],
        ["turn", 1, "F", "i", "e", 1.5],
        ["turn", 1, None, "i", "e", 1],
        ["result", 1, 0, False, 0, None, "none", None],
        ["result", 1, False, False, 0, None, "error", ["T", "m"]],
        ["result", 1, False, False, 0, ["1"], "none", None],
        ["result", 1, False, False, 0, {}, "none", None],
        ["result", 1, False, False, 0, None, "other", None],
        ["result", 1, False, False, 0, None, "none", None, "now"],
        ["result", 1, False, False, 0, None, "none", None, 1.5, 2.5],
        ["result", 1, False, False, 0, None, "http", [200, [["a"]]]],
        ["result", 1, False, False, 0, None, "http", ["200", []]],
        ["client_request", 1, "GET"],
        ["client_response", 1, "200"],
    ],
    ids=json.dumps,
)
def test_a_field_of_another_type_is_refused(fields: list[Any]) -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(frame(json.dumps(fields).encode()))


def test_a_blob_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(frame(b'["turn", 1, "F", "i", "e", 1]', b"\xff"))


def test_the_hello_of_another_version_can_be_read() -> None:
    assert FrameReader().feed(frame(b'["hello", {"version": 9, "where": 7}]')) == [
        Hello("event_loop", version=9)
    ]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_FRAME", 1000)


@pytest.mark.usefixtures("narrow")
def test_a_result_that_is_too_large_becomes_an_error() -> None:
    (result,) = FrameReader().feed(encode(InvocationResult(7, "x" * 2000)))
    assert isinstance(result, InvocationResult)
    assert result.id == 7
    assert result.error is not None
    assert "cannot be sent to the host: it has 20" in result.error.message
    (response,) = FrameReader().feed(encode(ClientResponse(8, 200, b"x" * 2000)))
    assert isinstance(response, ClientResponse)
    assert (response.id, response.status) == (8, 500)
    assert isinstance(json.loads(response.body), str)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "message",
    [
        InvocationRequest(1, "f", "x" * 2000),
        TurnRequest(1, "f", "i", "e", "x" * 2000),
        ClientRequest(1, "GET", "/\ud800", b""),
    ],
)
def test_an_unsendable_request_raises_with_the_reason(message: Message) -> None:
    with pytest.raises(UnsendableMessageError):
        encode(message)


def test_surrogates_in_the_result_of_a_load_and_in_findings_are_replaced() -> None:
    """Otherwise the worker would end without a message."""
    (loaded,) = FrameReader().feed(encode(LoadResult([LoadProblem("f", "a\ud800b")])))
    assert isinstance(loaded, LoadResult)
    assert loaded.problems == [LoadProblem("f", "a\N{REPLACEMENT CHARACTER}b")]
    (report,) = FrameReader().feed(encode(FindingReport([FindingData("EH800", "\udfff")])))
    assert report == FindingReport([FindingData("EH800", "\N{REPLACEMENT CHARACTER}")])


def test_a_malformed_frame_after_a_valid_one_is_refused() -> None:
    with pytest.raises(MalformedFrameError):
        FrameReader().feed(encode(StopRequest()) + frame(b""))


def test_the_reader_counts_the_missing_bytes_of_a_frame() -> None:
    reader, frame = FrameReader(), encode(InvocationRequest(1, "F", "x" * 1000))
    assert reader.missing == 0
    for index in range(len(frame) - 1):
        reader.feed(frame[index : index + 1])
        assert reader.missing == (len(frame) - index - 1 if index >= 7 else 0)
    assert len(reader.feed(frame[-1:])) == 1
    assert reader.missing == 0
