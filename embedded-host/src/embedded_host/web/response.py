"""An HTTP response, independent of the server that sends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

from embedded_host.engine.json_codec import compact

JSON = "application/json; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncGenerator[bytes, None] | None = None
    """Parts of the body, sent one by one instead of ``body`` until the stream ends, the client disconnects or the host stops.

    An empty part sends nothing, but lets the server notice a client that has disconnected."""

    def set_header(self, name: str, value: str) -> None:
        """Replace all headers of that name."""
        self.headers = [header for header in self.headers if header[0].lower() != name.lower()]
        self.headers.append((name, value))


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of compact JSON, nulls included (recorded; functions-host.md#transport)."""
    return Response(
        status, compact(value).encode(), [("Content-Type", JSON), *(headers or {}).items()]
    )


def text_response(text: str, content_type: str = PLAIN, status: int = 200) -> Response:
    return Response(status, text.encode("utf-8", "replace"), [("Content-Type", content_type)])


def empty_response(status: int) -> Response:
    """Return a response without body and content type (recorded; functions-host.md#transport)."""
    return Response(status)
