"""The server of a host in error. It responds until host.json is valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import KeyFile
from embedded_host.app.definitions import LocalSettings
from embedded_host.http.authorization import Authorization
from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.host_in_error import HostInError
from embedded_host.http.public_listener import PublicAddress

GRACE = 1.0
"""Seconds until requests in progress are cancelled when the server stops."""


class ErrorServer:
    """The public listener of a host whose host.json is invalid."""

    def __init__(
        self, address: PublicAddress, environ: Mapping[str, str], state: Path | None
    ) -> None:
        """Create a server. ``start`` starts it.

        ``environ`` is the environment of the app. ``state`` is the folder of the access keys, or
        None if requests require no keys.
        """
        self._address, self._environ = address, environ
        self._keys = None if state is None else KeyFile(state)
        self._handler = HostInError((), Authorization(Access(self._keys)))
        self.url, self.port = "", 0

    def set_errors(self, errors: Sequence[str]) -> None:
        """Set the errors of the host's status."""
        self._handler.errors = errors

    async def start(
        self, stack: AsyncExitStack, errors: Sequence[str], settings: LocalSettings
    ) -> None:
        """Listen. Raises StateError. ``stack`` receives the callback that stops the server."""
        self.set_errors(errors)
        if self._keys is not None:
            self._keys.begin()
        sock, self.url = self._address.bind()
        self.port = sock.getsockname()[1]
        cross_site = CrossSite(
            Cors(settings.cors, settings.cors_credentials), lambda request: False
        )
        listener = self._address.listener(
            sock, self._environ, cross_site, self._handler.handle, GRACE
        )
        stack.push_async_callback(listener.close)
        await listener.start()
