"""The check of the Host header, which prevents DNS rebinding.

A web page can make its own host name resolve to the address of this machine. For the browser, the
page and this host are then the same site. The ``Host`` header of such a request has the name of
the page. Therefore this host accepts only names that no page can have, and the names that the user
allows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache

from embedded_host.http.once_per_key import OncePerKey
from embedded_host.http.security_headers import secure_text
from embedded_host.web.host_name import AUTHORITY, ip_address, normalized
from embedded_host.web.request import Request
from embedded_host.web.response import Response

log = logging.getLogger("embedded_host.http")


class HostNames:
    """The names by which requests may address the host."""

    def __init__(self, names: Iterable[str] = (), *, network: bool = False) -> None:
        """Allow additional ``names``, in the format of ``--allow-host``.

        The name ``.example.com`` allows all subdomains of ``example.com``. ``network`` is True if
        the host listens on a network. All IP addresses are then allowed, because the host cannot
        determine the address of a published container port.
        """
        self._names = frozenset(normalized(name) for name in names)
        self._network = network
        self._logged = OncePerKey()
        self.allows = lru_cache(maxsize=256)(self._allows)
        """Return True for an allowed host name or address, with or without a port."""

    def refusal(self, request: Request) -> Response | None:
        """Return the response to a refused request, or None if the host name is allowed."""
        authority = request.base_url.partition("://")[2]
        return None if self.allows(authority) else self._refuse(authority)

    def _allows(self, authority: str) -> bool:
        match = AUTHORITY.fullmatch(authority)
        if match is None:
            return False
        name = normalized(match[1])
        if name in self._names or any(
            name.endswith(parent) for parent in self._names if parent.startswith(".")
        ):
            return True
        # In every browser these names always mean this machine (RFC 6761).
        return name == "localhost" or name.endswith(".localhost") or self._allows_address(name)

    def _allows_address(self, text: str) -> bool:
        """Return True for an allowed IP address. DNS rebinding is possible only with names.

        0.0.0.0 and similar addresses are refused although they reach this machine. Browsers send no
        origin for them, so the filter in ``cross_site.py`` would not recognize a page.
        """
        address = ip_address(text)
        if (
            address is None
            or address.is_unspecified
            or getattr(address, "ipv4_mapped", None) is not None
        ):
            return False
        return address.is_loopback or self._network

    def _refuse(self, authority: str) -> Response:
        match = AUTHORITY.fullmatch(authority)
        name = match[1] if match and len(match[1]) <= 253 else ""
        reason = (
            f"The host name '{name}' is not allowed, because a web page could give that name the "
            "address of this machine (DNS rebinding). Use http://localhost with the host's port. "
            "If the name is yours (a tunnel, a proxy, a container), start the host with "
            f"--allow-host {name.strip('[]')}."
            if name
            else "The request's Host header is not a valid host name."
        )
        if self._logged.is_new(name):
            log.warning("Refused with 403: %s [EH240]", reason)
        return secure_text(reason, 403)
