"""Writes the cookies of a response as the Azure Functions host does.

The host's Python worker parses each Set-Cookie header. The host then writes the cookies again.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from http.cookies import Morsel
from urllib.parse import quote

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_SECONDS = 922_337_203_685
"""Maximum seconds of a .NET TimeSpan."""


def set_cookie(name: str, cookie: Morsel[str]) -> str:
    """Return the value of the Set-Cookie header. Raises ValueError if the host cannot write it."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"'{name}' is not a valid name of a cookie")
    parts = [f"{name}={quote(cookie.value, safe='')}"]
    if cookie["expires"]:
        parts.append(f"expires={format_datetime(_expires(cookie['expires']), usegmt=True)}")
    if cookie["max-age"] != "":
        parts.append(f"max-age={_max_age(cookie['max-age'])}")
    parts += [f"domain={cookie['domain']}", f"path={cookie['path']}"]
    if cookie["secure"]:
        parts.append("secure")
    same_site = str(cookie["samesite"]).lower()
    if same_site in ("lax", "strict", "none"):
        parts.append(f"samesite={same_site}")
    if cookie["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


def _max_age(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"Cannot parse value {text} of 'cookie.maxAge' to float.") from None
    if not math.isfinite(seconds) or seconds <= -1 or seconds > _MAX_SECONDS:
        raise ValueError(f"the Max-Age {text} of a cookie is not a positive number of seconds")
    return int(seconds)


def _expires(text: str) -> datetime:
    """Return the date in UTC. A date without a time zone is in the local time zone.

    dateutil is a dependency of SDK 1.x, and the Azure Functions host's worker uses it. SDK 2.x does
    not install it. Without it, only the formats of HTTP and ISO 8601 are accepted.
    """
    try:
        from dateutil import parser
    except ImportError:
        try:
            date = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            date = datetime.fromisoformat(text)
    else:
        date = parser.parse(text)
    return datetime.fromtimestamp(int(date.timestamp()), timezone.utc)
