"""The durable client's calls, over the worker's own channel.

The SDK's client speaks HTTP to ``rpcBaseUrl``. From inside a worker that is a second connection, parser and server for what the
channel can carry: its three request functions are replaced by ones that ask over the channel, and that fall back to HTTP for
any other URL or event loop. What is asked and what is answered stay the same.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from azure.durable_functions import DurableOrchestrationClient
from yarl import URL

from embedded_worker.deferred_http import FUNCTIONS
from embedded_worker.protocol import ClientResponse

Ask = Callable[[str, str, bytes], Awaitable[ClientResponse]]
"""method, path with query below the base, body -> answer"""


def answer_over(ask: Ask, base: str) -> None:
    """From now on, calls to URLs below ``base`` in this event loop go to ``ask``."""
    module = sys.modules[DurableOrchestrationClient.__module__]
    if not all(hasattr(module, name) for name in FUNCTIONS):
        return  # another SDK: it speaks HTTP, and the endpoint is there
    loop = asyncio.get_running_loop()
    prefix = URL(base).raw_path
    over_http = {name: getattr(module, name) for name in FUNCTIONS}

    def carried(url: str) -> bool:
        return url.startswith(base) and asyncio.get_running_loop() is loop

    def below(url: str) -> str:
        """What follows the base, encoded as the SDK's HTTP client would."""
        return URL(url).raw_path_qs[len(prefix) :]

    async def post(url: str, data: Any = None, *arguments: Any, **options: Any) -> list[Any]:
        if not carried(url):
            return list(await over_http["post_async_request"](url, data, *arguments, **options))
        body = b"" if data is None else json.dumps(data).encode()
        return _parsed(await ask("POST", below(url), body))

    async def get(url: str, *arguments: Any, **options: Any) -> list[Any]:
        if not carried(url):
            return list(await over_http["get_async_request"](url, *arguments, **options))
        status, value = _parsed(await ask("GET", below(url), b""))
        return [status, "" if value is None else value]

    async def delete(url: str, *arguments: Any, **options: Any) -> list[Any]:
        if not carried(url):
            return list(await over_http["delete_async_request"](url, *arguments, **options))
        return _parsed(await ask("DELETE", below(url), b""))

    for name, replacement in zip(FUNCTIONS, (post, get, delete), strict=True):
        setattr(module, name, replacement)


def _parsed(answer: ClientResponse) -> list[Any]:
    """As the SDK's own functions answer: the status, and the body as JSON, None where there is none."""
    return [answer.status, json.loads(answer.body) if answer.body.strip() else None]
