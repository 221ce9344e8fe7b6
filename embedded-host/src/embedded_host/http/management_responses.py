"""Error responses and pages of lists in the management API (functions-host.md#transport)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER, continuation_token
from embedded_host.web.response import JSON, Response, json_response

T = TypeVar("T")
INTERNAL_ERROR = "Something went wrong while processing your request"
ROWS_PER_ROUND = 100
"""Number of rows in one round of the event loop. A round takes some milliseconds."""


def exception_response(status: int, message: str, exception: str, kind: str) -> Response:
    """Return an error with the fields of a .NET exception."""
    body = {
        "Message": message,
        "ExceptionMessage": exception,
        "ExceptionType": kind,
        "StackTrace": "",
    }
    return json_response(body, status)


def message_response(status: int, text: str) -> Response:
    """Return an error that has only a message."""
    return json_response({"Message": text}, status)


def invalid_json_response(text: str, error: ValueError) -> Response:
    """Return the error for an invalid JSON body.

    For an empty body or an invalid first character, the message is that of the Azure Functions host
    (recorded). Otherwise it is the message of ``error``.
    """
    position = getattr(error, "pos", None)
    if not text.strip():
        message = "Error reading JToken from JsonReader. Path '', line 0, position 0."
    elif position == len(text) - len(text.lstrip()):
        message = (
            f"Unexpected character encountered while parsing value: {text[position]}. "
            "Path '', line 0, position 0."
        )
    else:
        message = f"{error}."
    return exception_response(
        400, "Invalid JSON content", message, "Newtonsoft.Json.JsonReaderException"
    )


async def cooperatively(rows: Iterable[T]) -> AsyncIterator[T]:
    """Yield ``rows``. After every ROWS_PER_ROUND rows, other tasks of the event loop run."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % ROWS_PER_ROUND == 0:
            await asyncio.sleep(0)


def page_response(body: Sequence[str], last_id: str | None) -> Response:
    """Return a page of a list.

    Args:
        body: The JSON of each row. Encoding all rows at once would block the event loop.
        last_id: The id of the page's last row, or None for the last page.
    """
    headers = () if last_id is None else ((CONTINUATION_TOKEN_HEADER, continuation_token(last_id)),)
    return Response(200, f"[{','.join(body)}]".encode(), [("Content-Type", JSON), *headers])
