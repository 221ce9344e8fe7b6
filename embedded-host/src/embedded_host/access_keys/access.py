"""What a request's key opens, and the answers to those that it does not (recorded; contract, 6.2 and 6.5)."""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl

from embedded_host.access_keys.key_file import DURABLE, KeyFile, Keys, Scope
from embedded_host.app.definitions import Function
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response

HEADER, PARAMETER = "x-functions-key", "code"


class Kind(enum.Enum):
    NONE = "none, or one that is not known"
    FUNCTION = "one of all functions or of this one"
    DURABLE = "that of the durable management API"
    SYSTEM = "that of another extension"
    MASTER = "the master key"


class Access:
    """``keys`` None: everything is open, as under ``func start``."""

    def __init__(self, keys: KeyFile | None = None) -> None:
        self.keys = keys

    def durable_key(self) -> str:
        """The system key that management URLs carry; empty if no key is asked for."""
        return "" if self.keys is None else self.keys.keys().system.get(DURABLE, "")

    def to_function(self, request: Request, function: Function) -> Response | None:
        """The refusal, if any: an empty 401, whatever is wrong."""
        if self.keys is None:
            return None
        level = str(function.trigger.properties.get("authLevel") or "function").lower()
        if level == "anonymous":
            return None
        kind = self._kind(request, function.name)
        opens = {"function": (Kind.FUNCTION,), "system": (Kind.DURABLE, Kind.SYSTEM)}.get(level, ())
        return None if kind is Kind.MASTER or kind in opens else empty_response(401)

    def to_management(self, request: Request) -> Response | None:
        return self._host_only(request, Kind.DURABLE, Kind.MASTER)

    def to_admin(self, request: Request) -> Response | None:
        return self._host_only(request, Kind.MASTER)

    def is_master(self, request: Request) -> bool:
        """Whether it may know all that there is to know."""
        return self.keys is None or self._kind(request) is Kind.MASTER

    def _host_only(self, request: Request, *kinds: Kind) -> Response | None:
        if self.keys is None or (kind := self._kind(request)) in kinds:
            return None
        if kind is not Kind.NONE:
            return empty_response(403)
        return Response(401, b"", [("WWW-Authenticate", "Bearer")])

    def _kind(self, request: Request, function: str = "") -> Kind:
        given = _given(request)
        if not given or self.keys is None:
            return Kind.NONE
        keys, digest, found = self.keys.keys(), _digest(given), Kind.NONE
        # All of them are compared, each in constant time: how long it takes says nothing about any.
        for kind, values in _kinds(keys, function):
            for value in values:
                if hmac.compare_digest(_digest(value), digest) and found is Kind.NONE:
                    found = kind
        return found


def _kinds(keys: Keys, function: str) -> Iterable[tuple[Kind, Iterable[str]]]:
    return (
        (Kind.MASTER, [keys.master] if keys.master else []),
        (Kind.FUNCTION, keys.host.values()),
        (Kind.DURABLE, [value for name, value in keys.system.items() if name == DURABLE]),
        (Kind.SYSTEM, [value for name, value in keys.system.items() if name != DURABLE]),
        (Kind.FUNCTION, keys.of(Scope("function", function.lower())).values() if function else []),
    )


def _given(request: Request) -> str:
    """The header counts if it is there, even empty; else the first ``code`` of the query."""
    header = request.headers.get(HEADER)
    if header is not None:
        return header
    if PARAMETER not in request.query_text.lower():
        return ""
    return next((v for n, v in parse_qsl(request.query_text) if n.lower() == PARAMETER), "")


def _digest(value: str) -> bytes:
    """Of one length, so that comparing says nothing about a key's either."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
