"""Requests and responses as the rest of this package sees them, whatever server carries them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from embedded_host.engine.json_codec import compact
from embedded_host.errors import EmbeddedHostError

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


class BodyTooLargeError(EmbeddedHostError):
    """The body is longer than the server takes; it has not been read."""


class ClientGoneError(EmbeddedHostError):
    """The client closed the connection before it had sent all of its request: nobody waits for an answer."""


class MalformedBodyError(EmbeddedHostError):
    """The body is not as its headers say: chunks that are none."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """Still percent-encoded, without the query."""
    query_text: str
    """As sent, without the question mark."""
    headers: Mapping[str, str]
    """Looked up without regard to case; repeated ones comma-joined."""
    base_url: str
    """Scheme and authority by which the client reached us, without a slash at its end."""
    read: Callable[[], Awaitable[bytes]]
    """The body. Raises BodyTooLargeError, ClientGoneError or MalformedBodyError."""

    @property
    def url(self) -> str:
        return f"{self.base_url}{self.path}" + (f"?{self.query_text}" if self.query_text else "")

    @cached_property
    def query(self) -> Mapping[str, str]:
        """By lower-case name; repeated values comma-joined."""
        values: dict[str, str] = {}
        for name, value in parse_qsl(self.query_text, keep_blank_values=True):
            key = name.lower()
            values[key] = f"{values[key]},{value}" if key in values else value
        return values

    @property
    def media_type(self) -> str:
        """Of the body: lower case, without parameters; empty if it is not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def text(self) -> str:
        """The body in the charset that it says, else UTF-8; what is not of that charset becomes U+FFFD. Raises as ``read``."""
        body = await self.read()
        named = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            text = body.decode(named[1] if named else "utf-8", "replace")
        except LookupError:
            text = body.decode("utf-8", "replace")
        return text.removeprefix("\ufeff")


def private_request(method: str, path: str, body: bytes, base_url: str) -> Request:
    """What the SDK's client would have sent over HTTP: JSON if it sends anything. ``path`` has its query."""

    async def read() -> bytes:
        return body

    headers = {"content-type": "application/json"} if body else {}
    path, _, query = path.partition("?")
    return Request(method, path, query, {**headers, "content-length": str(len(body))}, base_url, read)


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncGenerator[bytes, None] | None = None
    """In the body's place: its parts, sent as they come, until it ends, the client goes or the host stops. An empty part sends
    nothing, but lets the server see whether the client is still there."""

    def set_header(self, name: str, value: str) -> None:
        """In place of those of that name."""
        self.headers = [kept for kept in self.headers if kept[0].lower() != name.lower()]
        self.headers.append((name, value))


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Compact JSON, nulls included (recorded; contract, 1.1)."""
    return Response(status, compact(value).encode(), [("Content-Type", JSON), *(headers or {}).items()])


def text_response(text: str, kind: str = PLAIN, status: int = 200) -> Response:
    return Response(status, text.encode("utf-8", "replace"), [("Content-Type", kind)])


def empty_response(status: int) -> Response:
    """No body and no content type (recorded; contract, 1.1)."""
    return Response(status)


def form_decoded(text: str) -> str:
    """A path of the management API: ``+`` is a space there too (recorded; contract, 1.1)."""
    return unquote(text.replace("+", " "))
