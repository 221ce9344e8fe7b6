"""What requests to the management API say, read as the extension reads it, and its error bodies (contract, 1.1).

In a query, what cannot be read counts as absent (recorded); that is what None stands for here.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from embedded_host.engine.json_codec import compact, compact_text, is_json
from embedded_host.engine.timestamps import parse_moment
from embedded_host.web.response import Response, json_response

T = TypeVar("T")
PAGE = 100
"""Instances on a page, unless ``top`` says otherwise."""
ROUND = 100
"""Rows of a list after which the event loop goes on: some milliseconds."""
LONGEST_WAIT = 30.0
"""Seconds that ``Prefer: wait=N`` may ask for."""
TOKEN = "x-ms-continuation-token"
STATUSES = ("Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended")
"""In the order of their numbers, from 0."""
WRONG = "Something went wrong while processing your request"
LARGE = 65_536
"""Characters."""
_TOO_DEEP = "The value is nested too deeply"
_DEEP = 150
_MARGIN = 60
"""A value that goes out again goes out inside others, and is read again in a turn: so many levels are kept free for that."""
_TODAY_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")


# -- queries and headers -----------------------------------------------------------------------------


def flag(text: str | None, default: bool = False) -> bool:
    return {"true": True, "false": False}.get((text or "").strip().lower(), default)


def seconds(text: str | None) -> float | None:
    """``timeout`` and ``pollingInterval``."""
    text = (text or "").strip()
    if not re.fullmatch(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,3})?", text, re.IGNORECASE):
        return None
    value = float(text)
    return value if value < 1e9 else None


def page_size(top: str | None) -> int:
    """``top``; a 32-bit number, as in .NET."""
    if not re.fullmatch(r"\s*\+?[0-9]{1,10}\s*", top or "", re.ASCII):
        return PAGE
    return int(top or "") if 0 < int(top or "") < 2**31 else PAGE


def moment(text: str | None) -> datetime | None:
    """A date and time in one of the usual forms; without a zone it is UTC."""
    text = (text or "").strip()
    # A plus sign that was not encoded has become a blank.
    text = re.sub(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", r"\1+\2", text)
    if not text.isascii():
        return None
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        pass
    for form in _TODAY_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    try:
        if "," in text:  # Mon, 23 Nov 2026 06:37:03 GMT
            read = parsedate_to_datetime(text)
            return read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def status_named(text: str) -> str | None:
    """A status by its name, whose case counts, or by its number (from source; contract, 1.6)."""
    if text in STATUSES:
        return text
    if re.fullmatch(r"\+?[0-9]{1,9}", text, re.ASCII):
        # A number that stands for none is a status that no instance has.
        return STATUSES[int(text)] if int(text) < len(STATUSES) else f"({int(text)})"
    return None


def preferred_wait(header: str | None) -> float | None:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), 30 at most; None if it does not ask."""
    match = re.search(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?:$|[,;])", header or "", re.IGNORECASE)
    return min(float(match[1]), LONGEST_WAIT) if match else None


def token_after(last_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": last_id}).encode()).decode()


def id_before(token: str | None) -> str | None:
    """The id behind which a page begins. A token that is not ours begins at the first page."""
    try:
        after = json.loads(base64.urlsafe_b64decode(token or ""))["after"]
        return after if isinstance(after, str) and after.encode() else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def form_decoded(path: str) -> str:
    """Return a path of the management API, decoded: ``+`` is a space there too (recorded; contract, 1.1)."""
    return unquote(path.replace("+", " "))


# -- bodies ------------------------------------------------------------------------------------------


def check_json(text: str) -> None:
    """Raises what ``json_value`` raises, and makes nothing of the text."""
    if not is_json(text) or _is_too_deep(text):
        json_value(text)


def json_value(text: str) -> Any:
    """Raises ValueError, also for what is nested deeper than can be handled."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _is_too_deep(text):
        raise ValueError(_TOO_DEEP)
    return value


def compact_json(text: str) -> str:
    """``compact(json_value(text))``. Nothing is made of a large text: its numbers stay as they are spelled, and names as often as they
    occur. (100 MB of objects hold up everybody for seconds.) Raises what ``json_value`` raises."""
    if len(text) < LARGE:
        return compact(json_value(text))
    check_json(text)
    return compact_text(text)


def _is_too_deep(text: str) -> bool:
    """Only what has many brackets can be deep; to read it with some more around it is to try it."""
    return text.count("[") + text.count("{") > _DEEP and not is_json("[" * _MARGIN + text + "]" * _MARGIN)


# -- answers -----------------------------------------------------------------------------------------


def fault(status: int, message: str, exception: str, kind: str) -> Response:
    """Error body A."""
    body = {"Message": message, "ExceptionMessage": exception, "ExceptionType": kind, "StackTrace": ""}
    return json_response(body, status)


def message(status: int, text: str) -> Response:
    """Error body B."""
    return json_response({"Message": text}, status)


def invalid_json(text: str, error: ValueError) -> Response:
    at = getattr(error, "pos", None)
    if not text.strip():
        why = "Error reading JToken from JsonReader. Path '', line 0, position 0."
    elif at == len(text) - len(text.lstrip()):
        why = f"Unexpected character encountered while parsing value: {text[at]}. Path '', line 0, position 0."
    else:
        why = f"{error}."
    return fault(400, "Invalid JSON content", why, "Newtonsoft.Json.JsonReaderException")


async def in_rounds(rows: Iterable[T]) -> AsyncIterator[T]:
    """A page can have any number of rows: now and then others get their turn."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % ROUND == 0:
            await asyncio.sleep(0)


def page(body: list[Any], last_id: str | None) -> Response:
    """A page of a list; ``last_id`` is None on the last one."""
    headers: Mapping[str, str] = {} if last_id is None else {TOKEN: token_after(last_id)}
    return json_response(body, 200, headers)
