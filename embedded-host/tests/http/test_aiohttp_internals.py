"""The private parts of aiohttp that ``http/connection.py`` uses. A new release may change them."""

from __future__ import annotations

import inspect

from aiohttp import http_exceptions
from aiohttp.web_protocol import RequestHandler

from embedded_host.http.connection import MAX_LINE


def test_request_handler_waits_for_a_request_in_a_future_named_waiter() -> None:
    assert "self._waiter" in inspect.getsource(RequestHandler.start)


def test_request_handler_finishes_each_response_in_finish_response() -> None:
    assert list(inspect.signature(RequestHandler.finish_response).parameters) == [
        "self",
        "request",
        "resp",
        "start_time",
    ]


def test_line_too_long_has_the_limit_as_its_second_argument() -> None:
    assert str(http_exceptions.LineTooLong("GET /", MAX_LINE).args[1]) == str(MAX_LINE)
