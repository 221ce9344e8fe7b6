"""Responses of the management API: its two error bodies, and pages of lists (functions-host.md#transport)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER, continuation_token
from embedded_host.web.response import JSON, Response, json_response

T = TypeVar("T")
INTERNAL_ERROR = "Something went wrong while processing your request"
ROWS_PER_ROUND = 100
"""Rows of a list between two rounds of the event loop: some milliseconds."""


def exception_response(status: int, message: str, exception: str, kind: str) -> Response:
    """Return error body A."""
    body = {
        "Message": message,
        "ExceptionMessage": exception,
        "ExceptionType": kind,
        "StackTrace": "",
    }
    return json_response(body, status)


def message_response(status: int, text: str) -> Response:
    """Return error body B."""
    return json_response({"Message": text}, status)


def invalid_json_response(text: str, error: ValueError) -> Response:
    position = getattr(error, "pos", None)
    if not text.strip():
        why = "Error reading JToken from JsonReader. Path '', line 0, position 0."
    elif position == len(text) - len(text.lstrip()):
        why = f"Unexpected character encountered while parsing value: {text[position]}. Path '', line 0, position 0."
    else:
        why = f"{error}."
    return exception_response(
        400, "Invalid JSON content", why, "Newtonsoft.Json.JsonReaderException"
    )


async def cooperatively(rows: Iterable[T]) -> AsyncIterator[T]:
    """Yield ``rows``, and control to the event loop now and then: a page can have any number of rows."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % ROWS_PER_ROUND == 0:
            await asyncio.sleep(0)


def page_response(body: Sequence[str], last_id: str | None) -> Response:
    """Return a page of a list.

    Args:
        body: The JSON of each row. It is encoded row by row, because encoding a long list at once blocks the event loop.
        last_id: The id of the page's last row, None on the last page.
    """
    headers = () if last_id is None else ((CONTINUATION_TOKEN_HEADER, continuation_token(last_id)),)
    return Response(200, f"[{','.join(body)}]".encode(), [("Content-Type", JSON), *headers])
