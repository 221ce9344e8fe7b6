"""An HTTP request, independent of the server that received it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from embedded_host.errors import EmbeddedHostError

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


class BodyTooLargeError(EmbeddedHostError):
    """The body exceeds the limit of the server. The body was not read."""

    def __init__(self, limit: int = 0) -> None:
        """Set the limit in bytes."""
        super().__init__(f"Request body too large. The max request body size is {limit} bytes.")


class ClientGoneError(EmbeddedHostError):
    """The client disconnected before it had sent the whole request."""


class MalformedBodyError(EmbeddedHostError):
    """The body does not match its headers, for example because a chunk is invalid."""


@dataclass(frozen=True)
class Request:
    """An HTTP request whose body may not have been received yet."""

    method: str
    path: str
    """The percent-encoded path, without the query."""
    query_text: str
    """The query as received, without the question mark."""
    headers: Mapping[str, str]
    """The headers, with case-insensitive names. Repeated headers are joined with commas."""
    base_url: str
    """The scheme and authority that the client used, without a final slash."""
    read: Callable[[], Awaitable[bytes]]
    """Function that returns the body.

    Raises BodyTooLargeError, ClientGoneError or MalformedBodyError.
    """
    has_empty_query: bool = False
    """True if the URL ends with a question mark."""
    lacks_host: bool = False
    """True if the request has no Host header, which only HTTP/1.0 allows."""

    @property
    def url(self) -> str:
        """The URL with its query, as the client sent it."""
        return f"{self.base_url}{self.path}" + (
            f"?{self.query_text}" if self.query_text or self.has_empty_query else ""
        )

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The decoded parameters by lower-case name. Repeated values are joined with commas."""
        values: dict[str, str] = {}
        for name, value in parse_qsl(self.query_text, keep_blank_values=True):
            key = name.lower()
            values[key] = f"{values[key]},{value}" if key in values else value
        return values

    @property
    def media_type(self) -> str:
        """The media type of the body in lower case, without parameters.

        It is "" without a Content-Type header.
        """
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def text(self) -> str:
        """Return the body, decoded with the charset of its Content-Type, by default UTF-8.

        Invalid bytes become U+FFFD. Raises the exceptions of ``read``.
        """
        body = await self.read()
        charset = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            text = body.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            text = body.decode("utf-8", "replace")
        return text.removeprefix("\ufeff")
