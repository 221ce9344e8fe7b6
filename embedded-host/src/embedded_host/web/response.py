"""An HTTP response, independent of the server that sends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from embedded_host.engine.json_codec import compact

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


@dataclass
class Response:
    """An HTTP response, sent as a whole or as a stream."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncGenerator[bytes, None] | None = None
    """The parts of the body, which are sent one by one instead of ``body``.

    The stream ends after its last part, or earlier if the client disconnects or the host stops. For
    an empty part, the server only checks if the client has disconnected.
    """

    chunked: bool = False
    """True if a body is sent with Transfer-Encoding: chunked, and a HEAD response has no length."""
    close: bool = False
    """True if the connection closes after the response."""
    is_incomplete: bool = False
    """True if the connection closes after the body, but before the client has a whole response."""

    def set_header(self, name: str, value: str) -> None:
        """Set a header and remove other headers of the same name."""
        self.headers = [header for header in self.headers if header[0].lower() != name.lower()]
        self.headers.append((name, value))


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with compact JSON.

    Members with null values are included (recorded; functions-host.md#transport).
    """
    return Response(
        status, compact(value).encode(), [("Content-Type", JSON), *(headers or {}).items()]
    )


def text_response(text: str, content_type: str = PLAIN, status: int = 200) -> Response:
    """Return a response with a string, encoded as UTF-8."""
    return Response(status, text.encode("utf-8", "replace"), [("Content-Type", content_type)])


def empty_response(status: int) -> Response:
    """Return a response without body and content type (functions-host.md#transport)."""
    return Response(status)
