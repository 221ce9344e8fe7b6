"""Host names and addresses, as in the Host header and in ``--allow-host``."""

from __future__ import annotations

import ipaddress
import re

AUTHORITY = re.compile(r"(\[[0-9a-z:.%]+\]|[0-9a-z._-]+)(?::[0-9]*)?", re.IGNORECASE)
"""Pattern of a host name or IP address with an optional port. Group 1 excludes the port."""


def host_name(text: str) -> str | None:
    """Return a host name or IP address without its port.

    Returns None for an invalid string and for an unspecified address such as 0.0.0.0.
    """
    match = AUTHORITY.fullmatch(f"[{text}]" if text.count(":") > 1 and "[" not in text else text)
    address = ip_address(match[1]) if match else None
    return None if match is None or (address and address.is_unspecified) else match[1]


def ip_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return ``name`` as an IP address, or None if it is not one."""
    try:
        return ipaddress.ip_address(normalized(name).partition("%")[0])
    except ValueError:
        return None


def normalized(name: str) -> str:
    """Return a name in lower case, without brackets and without the dot of the root domain."""
    return name.lower().strip("[]").removesuffix(".")
