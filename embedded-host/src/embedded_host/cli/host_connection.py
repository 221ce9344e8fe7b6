"""HTTP requests to a running host, with its access key and without redirects."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import click

from embedded_host.cli.api_response import ApiResponse
from embedded_host.cli.command import CommandError
from embedded_host.management.parameters import CONTINUATION_TOKEN_HEADER
from embedded_host.management.urls import WEBHOOK

TIMEOUT = 60.0
"""Seconds to wait for a response."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow redirects, so that no other host receives the key."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


class HostConnection:
    """The URL, the access key and the query parameters of the requests to one host."""

    timeout = TIMEOUT

    def __init__(
        self,
        url: str,
        address: str | None = None,
        code: str | None = None,
        hub: str | None = None,
        connection: str | None = None,
    ) -> None:
        """Prepare requests to the host at ``url``.

        ``url`` may be a management URL of an instance. The arguments ``code``, ``hub`` and
        ``connection`` override the parameters in the query of ``url``. ``address`` is the URL to
        connect to. Its default is ``url``.
        """
        base, query = _base(url)
        self.name = base
        """The URL of the host in messages."""
        self._base = base if address in (None, url) else _base(address or url)[0]
        self._code = code or query.get("code")
        parameters = {
            "taskHub": hub or query.get("taskhub"),
            "connection": connection or query.get("connection"),
        }
        self.parameters = {name: value for name, value in parameters.items() if value}
        """The query parameters of each request to the management API."""
        handlers: list[type[urllib.request.BaseHandler] | urllib.request.BaseHandler] = [
            _NoRedirects
        ]
        if (urlsplit(self._base).hostname or "") in ("localhost", "127.0.0.1", "::1"):
            # Use no proxy: a proxy would connect to its own localhost.
            handlers.append(urllib.request.ProxyHandler({}))
        self._open = urllib.request.build_opener(*handlers).open

    @property
    def has_key(self) -> bool:
        """True if requests have an access key."""
        return bool(self._code)

    def use(self, key: str) -> None:
        """Send an access key with all further requests."""
        self._code = key

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        token: str | None = None,
        body: str | None = None,
    ) -> ApiResponse:
        """Send a request and return the response. ``path`` is relative to the host's URL.

        ``token`` is a continuation token. Raises CommandError if the host does not respond, or
        redirects to another URL.
        """
        headers: dict[str, str] = {}
        if self._code:
            headers["x-functions-key"] = self._code
        if token:
            headers[CONTINUATION_TOKEN_HEADER] = token
        if body:
            headers["Content-Type"] = "application/json"
        data = None if body is None else body.encode()
        url = self._base + path + (f"?{urlencode(query)}" if query else "")
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with self._open(request, timeout=self.timeout) as received:
                return ApiResponse(
                    received.status,
                    _lower(received.headers),
                    received.read().decode("utf-8", "replace"),
                )
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (301, 302, 307, 308):
                    raise CommandError(
                        f"{self.name} redirects to {error.headers['Location']}: pass that URL with "
                        "--url. [EH505]"
                    ) from None
                return ApiResponse(
                    error.code, _lower(error.headers), error.read().decode("utf-8", "replace")
                )
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise CommandError(
                f"{self.name} does not respond: {reason}. Check that the host is running. [EH501]"
            ) from error

    def expect(self, response: ApiResponse, *statuses: int) -> None:
        """Raise CommandError if the response has another status than ``statuses``."""
        if response.status not in statuses:
            message = response.error_message
            reason = f": {message}" if message else " without a message."
            raise CommandError(f"{self.name} returned HTTP {response.status}{reason} [EH506]")


def _base(url: str) -> tuple[str, dict[str, str]]:
    """Return the host's URL without the path of the management API, and the query's parameters.

    The parameters' names are in lower case.
    """
    if "://" not in url:
        local = url.startswith(("localhost", "127.", "[::1]"))
        url = f"{'http' if local else 'https'}://{url}"
    parts = _parts(url)
    path = parts.path.partition(WEBHOOK)[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}", {
        name.lower(): value for name, value in parse_qsl(parts.query)
    }


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_host = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        # A user name and password are not allowed: no Functions host uses them.
        if is_host and not re.search(r"[\s@]", parts.netloc):
            return parts
    except ValueError:  # unbalanced brackets, or an invalid port
        pass
    raise click.BadParameter(
        f"'{url}' is not a valid URL. Write http://localhost:7071.", param_hint="'--url'"
    )


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
