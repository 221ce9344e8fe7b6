"""Carries the durable client's requests over the worker's own channel.

The SDK's client sends HTTP requests to ``rpcBaseUrl``. In a worker this would need a second
connection, an HTTP parser and an HTTP server for data that the channel can carry.
This module replaces the SDK's three request functions. The replacements use the channel for URLs
below ``rpcBaseUrl`` in the worker's event loop, and HTTP for all others. Requests and responses
stay the same.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from urllib.parse import quote, quote_plus, urlsplit

from azure.durable_functions import DurableOrchestrationClient

from embedded_worker.lazy_http_client import FUNCTIONS
from embedded_worker.protocol import ClientResponse

SendClientRequest = Callable[[str, str, bytes], Awaitable[ClientResponse]]
"""A function that sends a request to the host and returns the response.

Its arguments are the method, the path with query relative to the base URL, and the body.
"""
_SAFE = "/:@!$&'()*,;=+%?"
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def carry_client_requests(send: SendClientRequest, base: str) -> None:
    """Use ``send`` for requests to URLs below ``base`` in the running event loop."""
    module = sys.modules[DurableOrchestrationClient.__module__]
    if not all(hasattr(module, name) for name in FUNCTIONS):
        return  # an unknown SDK uses HTTP, which the host's endpoint serves
    loop = asyncio.get_running_loop()
    over_http = {name: getattr(module, name) for name in FUNCTIONS}

    def is_carried(url: str) -> bool:
        return url.startswith(base) and asyncio.get_running_loop() is loop

    async def post(
        url: str, data: object = None, *arguments: object, **options: object
    ) -> list[object]:
        if not is_carried(url):
            return list(await over_http["post_async_request"](url, data, *arguments, **options))
        body = b"" if data is None else json.dumps(data).encode()
        return _parsed(await send("POST", _relative(url, base), body))

    async def get(url: str, *arguments: object, **options: object) -> list[object]:
        if not is_carried(url):
            return list(await over_http["get_async_request"](url, *arguments, **options))
        status, value = _parsed(await send("GET", _relative(url, base), b""))
        return [status, "" if value is None else value]

    async def delete(url: str, *arguments: object, **options: object) -> list[object]:
        if not is_carried(url):
            return list(await over_http["delete_async_request"](url, *arguments, **options))
        return _parsed(await send("DELETE", _relative(url, base), b""))

    for name, replacement in zip(FUNCTIONS, (post, get, delete)):
        setattr(module, name, replacement)


def _relative(url: str, base: str) -> str:
    """Return the part of ``url`` after ``base``, without its fragment.

    The result is percent-encoded. The SDK's HTTP client uses the same encoding.
    """
    parts = urlsplit(_STRAY_PERCENT.sub("%25", url[len(base) :]))
    path = quote(parts.path, safe=_SAFE)
    return f"{path}?{quote_plus(parts.query, safe=_SAFE)}" if parts.query else path


def _parsed(response: ClientResponse) -> list[object]:
    """Return a list of the status and the body's JSON value, or None for an empty body.

    The SDK's functions return the same list.
    """
    return [response.status, json.loads(response.body) if response.body.strip() else None]
