"""Parsers for values in queries and headers of the management API (functions-host.md#transport).

The parsers accept the same values as the Durable Functions extension. For an invalid value they
return None or the default, as for a missing value. The Azure Functions host does the same
(recorded).
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from embedded_host.engine.status import STATUSES
from embedded_host.engine.timestamps import parse_utc

PAGE_SIZE = 100
"""Default number of instances on a page."""
LONGEST_WAIT = 30.0
"""Maximum seconds of ``Prefer: wait=N``."""
CONTINUATION_TOKEN_HEADER = "x-ms-continuation-token"
"""The header of a list's response and of the request for the next page."""
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
)
_SHORT_YEAR = re.compile(r"^([0-9]{1,3})(?=-[0-9]{2}-[0-9]{2}T)")
"""A year of an ISO 8601 timestamp with fewer than four digits."""


def flag(text: str | None, default: bool = False) -> bool:
    """Return True for ``true``, False for ``false``, else ``default``. The case is ignored."""
    return {"true": True, "false": False}.get((text or "").strip().lower(), default)


def seconds(text: str | None) -> float | None:
    """Return the value of ``timeout`` or ``pollingInterval`` in seconds."""
    text = (text or "").strip()
    if not re.fullmatch(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?", text, re.IGNORECASE):
        return None
    value = float(text)
    return value if value < 1e9 else None


def page_size(top: str | None) -> int:
    """Return the value of ``top``, or PAGE_SIZE if it is not a positive 32-bit integer."""
    if not re.fullmatch(r"\s*\+?[0-9]{1,10}\s*", top or "", re.ASCII):
        return PAGE_SIZE
    return int(top or "") if 0 < int(top or "") < 2**31 else PAGE_SIZE


def parse_timestamp(text: str | None) -> datetime | None:
    """Return the value of a timestamp in UTC. A timestamp without a time zone is in UTC.

    The formats are ISO 8601, ``_DATE_FORMATS`` and the date format of HTTP. A year may have fewer
    than four digits, because on Linux the SDK writes ``datetime.min`` with the year 1.
    """
    text = _SHORT_YEAR.sub(lambda match: match[1].zfill(4), (text or "").strip())
    # If the client does not encode a plus sign, the host decodes it to a space.
    text = re.sub(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", r"\1+\2", text)
    if not text.isascii():
        return None
    try:
        return parse_utc(text)
    except ValueError:
        pass
    for date_format in _DATE_FORMATS:
        try:
            return datetime.strptime(text, date_format).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    try:
        if "," in text:  # Mon, 23 Nov 2026 06:37:03 GMT
            read = parsedate_to_datetime(text)
            return (
                read.replace(tzinfo=timezone.utc)
                if read.tzinfo is None
                else read.astimezone(timezone.utc)
            )
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def comma_separated(text: str | None) -> list[str]:
    """Return the non-empty parts of a list, without surrounding spaces."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def runtime_status(text: str) -> str | None:
    """Return a runtime status by its case-sensitive name or its number.

    This follows the source code of the extension (functions-host.md#list-and-purge).
    """
    if text in STATUSES:
        return text
    if re.fullmatch(r"\+?[0-9]{1,9}", text, re.ASCII):
        # An unknown number is a status that no instance has.
        return STATUSES[int(text)] if int(text) < len(STATUSES) else f"({int(text)})"
    return None


def preferred_wait(header: str | None) -> float | None:
    """Return N of ``Prefer: wait=N`` (RFC 7240) in seconds, at most LONGEST_WAIT."""
    match = re.search(
        r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?:$|[,;])", header or "", re.IGNORECASE
    )
    return min(float(match[1]), LONGEST_WAIT) if match else None


def continuation_token(last_id: str) -> str:
    """Return the token for the page after the instance ``last_id``."""
    return base64.urlsafe_b64encode(json.dumps({"after": last_id}).encode()).decode()


def id_of_token(token: str | None) -> str | None:
    """Return the last id of the previous page, or None for an invalid token."""
    try:
        # urlsafe_b64decode warns on Python 3.15 about characters of the other alphabet.
        standard = (token or "").replace("-", "+").replace("_", "/")
        after = json.loads(base64.b64decode(standard, validate=True))["after"]
        return after if isinstance(after, str) and after.encode() else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def form_decoded(path: str) -> str:
    """Decode a path of the management API. As in a query, ``+`` represents a space.

    The Azure Functions host does the same (recorded, functions-host.md#transport).
    """
    return unquote(path.replace("+", " "))
