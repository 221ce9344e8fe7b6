"""Requests to the app under test, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        """The body as a UTF-8 string."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body as JSON. Raises ValueError."""
        return json.loads(self.body)


class _Headers(dict[str, str]):
    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


async def send(
    host: HostRun, method: str, url: str, body: bytes, headers: Mapping[str, str]
) -> HttpResponse:
    """Send a request to the host. ``url`` is a path of the app or an absolute URL, for example a management URL."""
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


def request_body(body: Any, headers: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    """Return the body's bytes and the headers. A value other than bytes and str becomes JSON, with its content type."""
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
