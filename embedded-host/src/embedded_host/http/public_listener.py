"""The listener of the public address."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from embedded_host.http.cross_site import CrossSite
from embedded_host.http.host_names import HostNames
from embedded_host.http.middleware import RequestFilter
from embedded_host.http.public_socket import open_public_socket
from embedded_host.http.server import Handler, Listener, body_limit
from embedded_host.http.sockets import is_loopback
from embedded_host.web.host_name import host_name


@dataclass(frozen=True)
class PublicAddress:
    """The address and the port of the host, and the names by which requests may address it."""

    address: str
    port: int
    """The TCP port, or 0 for a free port."""
    allowed_hosts: tuple[str, ...] = ()
    """Additional host names that the Host header may have (``http/host_names.py``)."""

    def bind(self) -> tuple[socket.socket, str]:
        """Return a listening socket and its base URL. Raises StateError."""
        public = open_public_socket(self.address, self.port)
        return public.sock, public.url

    def listener(
        self,
        sock: socket.socket,
        environ: Mapping[str, str],
        cross_site: CrossSite,
        handler: Handler,
        grace: float,
    ) -> Listener:
        """Return the listener on a socket of ``bind``, which is not started yet.

        ``environ`` is the environment of the functions. ``handler`` receives the accepted requests.
        ``grace`` is the time in seconds for requests in progress when the listener closes.
        """
        own_names = (self.address, environ.get("WEBSITE_HOSTNAME", ""))
        names = [*self.allowed_hosts, *(name for text in own_names if (name := host_name(text)))]
        host_names = HostNames(names, network=not is_loopback(self.address))
        limit = body_limit(environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"))
        request_filter = RequestFilter(host_names, cross_site, handler)
        return Listener(sock, request_filter.handle, grace, max_body=limit)
