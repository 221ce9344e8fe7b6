"""The HTTP response for a string that a function returns.

The Azure Functions host reads the string as JSON and writes it again. An object with a member
``body`` describes the whole response (HttpBinding.cs and RawScriptResult.cs of that host).
"""

from __future__ import annotations

import re

from embedded_worker.json_reader import JsonTextError, read_json
from embedded_worker.json_writer import compact, indented, text_of
from embedded_worker.protocol import HttpResponseData

PLAIN = "text/plain; charset=utf-8"
_CHARSET = re.compile(r"(;\s*charset\s*=\s*)(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)
_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,12})\s*", re.ASCII)


def string_response(text: str) -> HttpResponseData:
    """Return the response for the returned string ``text``.

    Raises ValueError if the Azure Functions host cannot create the response.
    """
    try:
        value = read_json(text)
    except JsonTextError:
        return _plain(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _plain(text)  # recorded: a number is sent as the function has written it
    if isinstance(value, dict):
        body = _member(value, "body")
        return _plain(indented(value)) if body is None else _described(value, body[0])
    return _plain(indented(value) if isinstance(value, list) else text_of(value))


def status_code(value: object) -> int:
    """Return a status, or 200 if ``value`` is neither an integer nor its text.

    Raises ValueError if an integer exceeds 32 bits.
    """
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63:
        if not -(1 << 31) <= value < 1 << 31:
            raise ValueError(f"the status {value} exceeds 32 bits")
        return value
    match = _INTEGER.fullmatch(value) if isinstance(value, str) else None
    status = int(match[1]) if match else 200
    return status if -(1 << 31) <= status < 1 << 31 else 200


def _plain(text: str) -> HttpResponseData:
    return HttpResponseData(200, [("Content-Type", PLAIN)], text.encode())


def _member(members: dict[str, object], name: str) -> tuple[object] | None:
    """Return a member in a tuple, or None. A name in exactly this case takes precedence."""
    if name in members:
        return (members[name],)
    return next(((v,) for key, v in members.items() if key.lower() == name.lower()), None)


def _described(members: dict[str, object], body: object) -> HttpResponseData:
    status = _member(members, "statusCode") or _member(members, "status") or ("",)
    named = _member(members, "headers") or (None,)
    content_type = PLAIN
    headers: dict[str, tuple[str, str]] = {}
    for name, value in named[0].items() if isinstance(named[0], dict) else ():
        if value is None:
            raise ValueError(f"the header '{name}' of the returned response is null")
        if name.lower() == "content-type":
            content_type = _utf8(text_of(value)) if text_of(value) else PLAIN
        else:
            headers.setdefault(name.lower(), (name, text_of(value)))
    content = compact(body) if isinstance(body, dict) else text_of(body)
    return HttpResponseData(
        status_code(status[0]),
        [("Content-Type", content_type), *headers.values()],
        content.encode(),
    )


def _utf8(content_type: str) -> str:
    """Return the content type with the charset UTF-8, in which the host encodes the body."""
    if _CHARSET.search(content_type):
        return _CHARSET.sub(r"\1utf-8", content_type)
    return f"{content_type}; charset=utf-8"
