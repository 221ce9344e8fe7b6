"""By which names the host may be asked.

A web page can give a name of its own the address of this machine (DNS rebinding), and is then, to the browser, of one site
with what answers there. What gives it away is the ``Host`` header, which has the page's name. Names that no page can have are
answered to, and those that the user has said.
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
    """``names`` as ``--allow-host`` takes them, ``.example.com`` for all names below it. ``network``: whether the host listens
    where others than this machine can reach it, by addresses that it does not know (a container's port is published)."""

    def __init__(self, names: Iterable[str] = (), *, network: bool = False) -> None:
        self._names = frozenset(normalized(name) for name in names)
        self._network = network
        self._logged = OncePerKey()
        self.allows = lru_cache(maxsize=256)(self._allows)
        """Whether the host answers to an authority, with or without a port."""

    def refusal(self, request: Request) -> Response | None:
        authority = request.base_url.partition("://")[2]
        return None if self.allows(authority) else self._refuse(authority)

    def _allows(self, authority: str) -> bool:
        found = AUTHORITY.fullmatch(authority)
        if found is None:
            return False
        name = normalized(found[1])
        if name in self._names or any(name.endswith(below) for below in self._names if below.startswith(".")):
            return True
        # By RFC 6761, and in every browser, these are this machine, whatever a name server says.
        return name == "localhost" or name.endswith(".localhost") or self._allows_address(name)

    def _allows_address(self, text: str) -> bool:
        """No address can be given another address. But for 0.0.0.0 and the like, which also lead here, browsers do not say where
        a request comes from, and so a page could pass for a program (cross_site.py)."""
        address = ip_address(text)
        if address is None or address.is_unspecified or getattr(address, "ipv4_mapped", None) is not None:
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
