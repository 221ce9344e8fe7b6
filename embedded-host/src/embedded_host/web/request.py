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
    """The body is longer than the server accepts. It was not read."""


class ClientGoneError(EmbeddedHostError):
    """The client closed the connection before it had sent the whole request."""


class MalformedBodyError(EmbeddedHostError):
    """The body contradicts its headers, for example invalid chunks."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """Percent-encoded, without the query."""
    query_text: str
    """The query as it was received, without the question mark."""
    headers: Mapping[str, str]
    """Looked up without regard to case. Repeated headers are joined with commas."""
    base_url: str
    """Scheme and authority that the client used, without a final slash."""
    read: Callable[[], Awaitable[bytes]]
    """Returns the body. Raises BodyTooLargeError, ClientGoneError or MalformedBodyError."""

    @property
    def url(self) -> str:
        return f"{self.base_url}{self.path}" + (f"?{self.query_text}" if self.query_text else "")

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
        """The body's media type in lower case, without parameters. Empty if there is no Content-Type header."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def text(self) -> str:
        """Return the body, decoded with the charset of its Content-Type, by default UTF-8.

        Invalid bytes become U+FFFD. Raises the exceptions of ``read``."""
        body = await self.read()
        charset = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            text = body.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            text = body.decode("utf-8", "replace")
        return text.removeprefix("\ufeff")
