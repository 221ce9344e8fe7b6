"""Checks the Host header, against DNS rebinding.

A web page can resolve its own host name to the address of this machine. For the browser, page and host are then the same site. The
``Host`` header reveals it, because it contains the name of the page. The host accepts names that no page can have, and the names that
the user allows.
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
    """``names`` are additional names in the format of ``--allow-host``; ``.example.com`` stands for all its subdomains. With
    ``network`` the host listens on a network, and accepts all addresses: it does not know the address of a published container port."""

    def __init__(self, names: Iterable[str] = (), *, network: bool = False) -> None:
        self._names = frozenset(normalized(name) for name in names)
        self._network = network
        self._logged = OncePerKey()
        self.allows = lru_cache(maxsize=256)(self._allows)
        """Returns True for an accepted authority, with or without a port."""

    def refusal(self, request: Request) -> Response | None:
        authority = request.base_url.partition("://")[2]
        return None if self.allows(authority) else self._refuse(authority)

    def _allows(self, authority: str) -> bool:
        found = AUTHORITY.fullmatch(authority)
        if found is None:
            return False
        name = normalized(found[1])
        if name in self._names or any(
            name.endswith(below) for below in self._names if below.startswith(".")
        ):
            return True
        # By RFC 6761, and in every browser, these names always mean this machine.
        return name == "localhost" or name.endswith(".localhost") or self._allows_address(name)

    def _allows_address(self, text: str) -> bool:
        """An IP address cannot be rebound. 0.0.0.0 and the like are refused, although they reach this machine: for
        them browsers send no origin, so a page would look like another program (``cross_site.py``)."""
        address = ip_address(text)
        if (
            address is None
            or address.is_unspecified
            or getattr(address, "ipv4_mapped", None) is not None
        ):
            return False
        return address.is_loopback or self._network

    def _refuse(self, authority: str) -> Response:
        found = AUTHORITY.fullmatch(authority)
        name = found[1] if found and len(found[1]) <= 253 else ""
        why = (
            f"This host does not answer to the name '{name}': a web page could give that name the address of this machine "
            f"(DNS rebinding). Ask for http://localhost with the host's port; or, if the name is yours (a tunnel, a proxy, "
            f"a container), start the host with --allow-host {name.strip('[]')}."
            if name
            else "The request's Host header has no name of a host."
        )
        if self._logged.is_new(name):
            log.warning("Refused with 403: %s [EH240]", why)
        return secure_text(why, 403)
