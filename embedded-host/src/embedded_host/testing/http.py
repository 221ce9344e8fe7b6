"""Requests to the app under test, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from embedded_host.http.management_urls import WEBHOOK
from embedded_host.testing.host_run import BASE_URL, Life
from embedded_host.web.request import Request
from embedded_host.web.response import Response


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


class _Headers(dict[str, str]):
    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in given.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


async def ask(life: Life, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    """``url`` is a path of the app, or a whole URL such as the management URLs that a starter answers with."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else BASE_URL
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"

    async def read() -> bytes:
        return body

    request = Request(
        method.upper(), path, parts.query, _Headers({**headers, "content-length": str(len(body))}), base, read
    )
    lower = path.lower()
    response: Response
    if lower == WEBHOOK or lower.startswith(WEBHOOK + "/"):
        response = await life.management.handle(request, path[len(WEBHOOK) :])
    else:
        response = await life.functions.handle(request)
    return HttpAnswer(response.status, {name.lower(): value for name, value in response.headers}, response.body)


def content(body: Any, headers: Mapping[str, str] | None) -> tuple[bytes, dict[str, str]]:
    """Bytes and texts as they are; anything else as JSON, and said to be that."""
    given = dict(headers or {})
    if body is None:
        return b"", given
    if isinstance(body, bytes):
        return body, given
    if isinstance(body, str):
        return body.encode(), given
    if not any(name.lower() == "content-type" for name in given):
        given["content-type"] = "application/json"
    return json.dumps(body).encode(), given
