"""The private parts of aiohttp that ``http/connection.py`` uses. A new release may change them."""

from __future__ import annotations

import inspect

from aiohttp import http_exceptions
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.web import StreamResponse
from aiohttp.web_protocol import RequestHandler

from embedded_host.http.connection import MAX_LINE, PARSER


def test_request_handler_waits_for_a_request_in_a_future_named_waiter() -> None:
    assert "self._waiter" in inspect.getsource(RequestHandler.start)


def test_request_handler_parses_with_a_replaceable_parser_into_a_list_of_messages() -> None:
    source = inspect.getsource(RequestHandler.data_received)
    assert f"self.{PARSER}.feed_data(data)" in source
    assert "self._messages.append((msg, payload))" in source
    parameters = inspect.signature(HttpRequestParserPy).parameters
    assert {"max_line_size", "max_field_size", "payload_exception", "auto_decompress"} <= set(
        parameters
    )


def test_responses_call_the_hook_of_the_request_after_they_have_set_their_headers() -> None:
    source = inspect.getsource(StreamResponse._start)
    assert "_prepare_headers()" in source.partition("request._prepare_hook(self)")[0]
    assert "_write_headers()" in source.partition("request._prepare_hook(self)")[2]


def test_request_handler_finishes_each_response_in_finish_response() -> None:
    assert list(inspect.signature(RequestHandler.finish_response).parameters) == [
        "self",
        "request",
        "resp",
        "start_time",
    ]


def test_line_too_long_has_the_limit_as_its_second_argument() -> None:
    assert str(http_exceptions.LineTooLong("GET /", MAX_LINE).args[1]) == str(MAX_LINE)
