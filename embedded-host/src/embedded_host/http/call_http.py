"""Sends the HTTP requests of ``context.call_http`` (functions-host.md#effects-of-actions)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from yarl import URL

from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact

TIMEOUT = 100.0
"""Seconds, the default of .NET's HttpClient."""
_CONTENT_HEADERS = ("allow", "expires", "last-modified")


class CallHttpClient:
    """One session for all calls, opened by the first call."""

    def __init__(
        self,
        default_pause_ms: int = 30000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``default_pause_ms`` is ``httpSettings.defaultAsyncRequestSleepTimeMilliseconds``."""
        self._default_pause, self._sleep = default_pause_ms / 1000, sleep
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, request: str, is_wanted: Callable[[], bool] = lambda: True
    ) -> str | UserError:
        """Send the action's httpRequest, and return the response as the JSON text of the history.

        A 202 with a Location is polled until the status changes, as documented: after Retry-After seconds, or the time of host.json."""
        asked: dict[str, Any] = json.loads(request)
        method, url = str(asked.get("method")), str(asked.get("uri"))
        try:
            return await self._call(method, url, asked, is_wanted)
        except Exception as error:  # an invalid request fails alone
            return UserError(type(error).__name__, f"{method} {url}: {error or 'timed out'}")

    async def _call(
        self, method: str, url: str, asked: dict[str, Any], is_wanted: Callable[[], bool]
    ) -> str | UserError:
        if asked.get("tokenSource"):
            return UserError(
                "NotImplementedError",
                "call_http with a token_source needs a managed identity, which there is none of on this host. "
                "Fetch a token in an activity and pass it as a header.",
            )
        content = asked.get("content")
        headers = {str(k): str(v) for k, v in (asked.get("headers") or {}).items()}
        if content is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "text/plain"
        if any(
            n.lower() == "content-type" and v.lower().startswith("multipart/")
            for n, v in headers.items()
        ):
            return UserError(
                "ValueError", "call_http does not send multipart content. Send it from an activity."
            )
        while True:
            response, text = await self._send(method, url, headers, content)
            location = response.headers.get("Location")
            if (
                response.status != 202
                or not location
                or asked.get("asynchronousPatternEnabled") is False
            ):
                return compact(
                    {"statusCode": response.status, "headers": _general(response), "content": text}
                )
            method, url, content = "GET", str(response.url.join(URL(location))), None
            await self._sleep(_pause(response, self._default_pause))
            if not is_wanted():
                return UserError("CancelledError", "nobody waits for the response any more")

    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: str | None
    ) -> tuple[aiohttp.ClientResponse, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        async with self._session.request(
            method, url, data=content, headers=headers, allow_redirects=True
        ) as response:
            return response, await response.text(errors="replace")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _pause(response: aiohttp.ClientResponse, default: float) -> float:
    after = response.headers.get("Retry-After", "")
    return float(after) if after.isdigit() else default


def _general(response: aiohttp.ClientResponse) -> dict[str, str | list[str]]:
    """Return the headers without content headers, which .NET keeps apart and the extension leaves out (recorded)."""
    headers: dict[str, str | list[str]] = {}
    for name in dict.fromkeys(response.headers):
        if not name.lower().startswith("content-") and name.lower() not in _CONTENT_HEADERS:
            values = response.headers.getall(name)
            headers[name] = values[0] if len(values) == 1 else values
    return headers
