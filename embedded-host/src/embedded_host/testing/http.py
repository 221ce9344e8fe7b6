"""Requests to the app under test, without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from embedded_host.management.urls import WEBHOOK
from embedded_host.testing.host_run import BASE_URL, HostRun
from embedded_host.web.request import Request
from embedded_host.web.response import Response

__tracebackhide__ = True


@dataclass(frozen=True)
class HttpResponse:
    """The response of an HTTP function or of the management API."""

    status: int
    """The status code."""
    headers: Mapping[str, str]
    """The headers by lower-case name."""
    body: bytes
    """The response body."""

    @property
    def text(self) -> str:
        """The body as a UTF-8 string. Invalid bytes are replaced by U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body as JSON.

        Returns:
            The parsed value.

        Raises:
            ValueError: The body is not valid JSON.
        """
        return json.loads(self.body)


class _Headers(Mapping[str, str]):
    """Request headers with case-insensitive names."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


async def send(
    host: HostRun, method: str, url: str, body: bytes, headers: Mapping[str, str]
) -> HttpResponse:
    """Send a request to the host.

    ``url`` is a path, or an absolute URL such as a management URL.
    """
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else BASE_URL
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"

    async def read() -> bytes:
        return body

    request = Request(
        method.upper(),
        path,
        parts.query,
        _Headers({**headers, "content-length": str(len(body))}),
        base,
        read,
    )
    lower = path.lower()
    response: Response
    if lower == WEBHOOK or lower.startswith(WEBHOOK + "/"):
        response = await host.management.handle(request, path[len(WEBHOOK) :])
    else:
        response = await host.functions.handle(request)
    return HttpResponse(
        response.status, {name.lower(): value for name, value in response.headers}, response.body
    )


def request_body(body: object, headers: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a request body, and the request's headers.

    Bytes and strings are unchanged. Other values are encoded as JSON, and the headers then contain
    a content type.
    """
    headers = dict(headers or {})
    if body is None:
        return b"", headers
    if isinstance(body, bytes):
        return body, headers
    if isinstance(body, str):
        return body.encode(), headers
    if not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = "application/json"
    return json.dumps(body).encode(), headers
