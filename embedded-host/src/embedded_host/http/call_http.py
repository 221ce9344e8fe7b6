"""The HTTP client of ``context.call_http`` (functions-host.md#effects-of-actions)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from yarl import URL

from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact

TIMEOUT = 100.0
"""Seconds before a request times out: the default of .NET's HttpClient."""
_CONTENT_HEADERS = ("allow", "expires", "last-modified")
"""Headers that are content headers in .NET, although their names do not begin with ``content-``."""


@dataclass(frozen=True)
class _HttpRequest:
    """The ``httpRequest`` of a call_http action."""

    method: str
    url: str
    headers: dict[str, str]
    content: str | None
    has_token_source: bool
    is_polled: bool
    """True if the client polls after a 202 response (``asynchronousPatternEnabled``)."""

    @classmethod
    def parse(cls, text: str) -> _HttpRequest:
        """Parse the action's JSON. Raises AttributeError if ``headers`` is not an object."""
        fields = json.loads(text)
        return cls(
            method=str(fields.get("method")),
            url=str(fields.get("uri")),
            headers={str(k): str(v) for k, v in (fields.get("headers") or {}).items()},
            content=fields.get("content"),
            has_token_source=bool(fields.get("tokenSource")),
            is_polled=fields.get("asynchronousPatternEnabled") is not False,
        )

    def has_header(self, name: str, prefix: str = "") -> bool:
        """Return True if the request has the header and its value begins with ``prefix``.

        ``name`` and ``prefix`` are in lower case. The comparison ignores case.
        """
        return any(
            key.lower() == name and value.lower().startswith(prefix)
            for key, value in self.headers.items()
        )


class CallHttpClient:
    """An HTTP client with one session for all calls. The first call opens the session."""

    def __init__(
        self,
        default_pause_ms: int = 30000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Set the default pause between polls, in milliseconds.

        The pause is ``httpSettings.defaultAsyncRequestSleepTimeMilliseconds`` of host.json.
        """
        self._default_pause, self._sleep = default_pause_ms / 1000, sleep
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, request: str, is_wanted: Callable[[], bool] = lambda: True
    ) -> str | UserError:
        """Send the action's httpRequest and return the response as JSON for the history.

        If a 202 response has a Location header, the client polls this URL until the status changes,
        as documented for call_http. The pause between polls is the Retry-After header, or the
        default of host.json. If ``is_wanted`` returns False after a 202 response, this response is
        the result.
        """
        sent: _HttpRequest | None = None
        try:
            sent = _HttpRequest.parse(request)
            return await self._call(sent, is_wanted)
        except Exception as error:  # an invalid request must not stop the host
            subject = f"{sent.method} {sent.url}" if sent else "The HTTP request is invalid"
            return UserError(type(error).__name__, f"{subject}: {error or 'timed out'}")

    async def _call(self, request: _HttpRequest, is_wanted: Callable[[], bool]) -> str | UserError:
        if request.has_token_source:
            return UserError(
                "NotImplementedError",
                "call_http with a token_source needs a managed identity, which this host does not "
                "have. Fetch a token in an activity and pass it as a header.",
            )
        if request.has_header("content-type", "multipart/"):
            return UserError(
                "ValueError", "call_http does not send multipart content. Send it from an activity."
            )
        method, url, headers, content = (
            request.method,
            request.url,
            request.headers,
            request.content,
        )
        if content is not None and not request.has_header("content-type"):
            headers = headers | {"Content-Type": "text/plain"}
        while True:
            response, text = await self._send(method, url, headers, content)
            location = response.headers.get("Location")
            if response.status != 202 or not location or not request.is_polled or not is_wanted():
                return compact(
                    {"statusCode": response.status, "headers": _general(response), "content": text}
                )
            method, url, content = "GET", str(response.url.join(URL(location))), None
            await self._sleep(_pause(response, self._default_pause))
            if not is_wanted():
                return UserError("CancelledError", "No orchestration waits for the response.")

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
        """Close the session, if a call opened one."""
        if self._session is not None:
            await self._session.close()


def _pause(response: aiohttp.ClientResponse, default: float) -> float:
    """Return the seconds before the next poll."""
    after = response.headers.get("Retry-After", "")
    return float(after) if after.isdigit() else default


def _general(response: aiohttp.ClientResponse) -> dict[str, str | list[str]]:
    """Return the headers without content headers (recorded).

    .NET stores content headers separately, and the Durable Functions extension omits them. A header
    that occurs more than once has a list of values.
    """
    headers: dict[str, str | list[str]] = {}
    for name in dict.fromkeys(response.headers):
        if not name.lower().startswith("content-") and name.lower() not in _CONTENT_HEADERS:
            values = response.headers.getall(name)
            headers[name] = values[0] if len(values) == 1 else values
    return headers
