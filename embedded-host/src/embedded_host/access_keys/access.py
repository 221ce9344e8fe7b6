"""The check of access keys: the requests that each key allows.

Source: recordings, functions-host.md#authorization and #admin-endpoints.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Iterable

from embedded_host.access_keys.key_file import DURABLE, AccessKeys, KeyFile, Scope
from embedded_host.app.definitions import Function


class Decision(enum.Enum):
    """The result of the check of a key."""

    ALLOWED = enum.auto()
    UNAUTHORIZED = enum.auto()
    """The key is missing or unknown.

    For a function, this is also the result for a key that allows only other requests.
    """
    FORBIDDEN = enum.auto()
    """The key allows only other requests. A request to a function never has this result."""


class _KeyKind(enum.Enum):
    NONE = enum.auto()
    """Missing or unknown key."""
    FUNCTION = enum.auto()
    """A key of all functions, or a key of the requested function."""
    DURABLE = enum.auto()
    """The system key of the durable management API."""
    SYSTEM = enum.auto()
    """The system key of another extension."""
    MASTER = enum.auto()


class Access:
    """Checks keys against the key file.

    Without a key file every request is allowed, as with ``func start``. An empty key means that the
    request has no key.
    """

    def __init__(self, keys: KeyFile | None = None) -> None:
        self.keys = keys

    def durable_key(self) -> str:
        """Return the system key that management URLs contain, or "" if keys are not required."""
        return "" if self.keys is None else self.keys.keys().system.get(DURABLE, "")

    def to_function(self, key: str, function: Function) -> Decision:
        """Check a key for an HTTP function by its ``authLevel``. The result is never FORBIDDEN."""
        if self.keys is None:
            return Decision.ALLOWED
        level = str(function.trigger.properties.get("authLevel") or "function").lower()
        if level == "anonymous":
            return Decision.ALLOWED
        accepted = {
            "function": (_KeyKind.FUNCTION,),
            "system": (_KeyKind.DURABLE, _KeyKind.SYSTEM),
        }.get(level, ())
        kind = self._kind(key, function.name)
        return (
            Decision.ALLOWED
            if kind is _KeyKind.MASTER or kind in accepted
            else Decision.UNAUTHORIZED
        )

    def to_management(self, key: str) -> Decision:
        """Check a key for the management API."""
        return self._to_host(key, _KeyKind.DURABLE, _KeyKind.MASTER)

    def to_admin(self, key: str) -> Decision:
        """Check a key for an admin endpoint."""
        return self._to_host(key, _KeyKind.MASTER)

    def is_master(self, key: str) -> bool:
        """Return true for the master key, and for every key if keys are not required."""
        return self.keys is None or self._kind(key) is _KeyKind.MASTER

    def _to_host(self, key: str, *accepted: _KeyKind) -> Decision:
        if self.keys is None or (kind := self._kind(key)) in accepted:
            return Decision.ALLOWED
        return Decision.UNAUTHORIZED if kind is _KeyKind.NONE else Decision.FORBIDDEN

    def _kind(self, key: str, function: str = "") -> _KeyKind:
        if not key or self.keys is None:
            return _KeyKind.NONE
        keys, digest, result = self.keys.keys(), _digest(key), _KeyKind.NONE
        # All keys are compared, each in constant time, so that the duration reveals no key.
        for kind, values in _by_kind(keys, function):
            for value in values:
                if hmac.compare_digest(_digest(value), digest) and result is _KeyKind.NONE:
                    result = kind
        return result


def _by_kind(keys: AccessKeys, function: str) -> Iterable[tuple[_KeyKind, Iterable[str]]]:
    return (
        (_KeyKind.MASTER, [keys.master] if keys.master else []),
        (_KeyKind.FUNCTION, keys.host.values()),
        (_KeyKind.DURABLE, [value for name, value in keys.system.items() if name == DURABLE]),
        (_KeyKind.SYSTEM, [value for name, value in keys.system.items() if name != DURABLE]),
        (
            _KeyKind.FUNCTION,
            keys.of(Scope("function", function.lower())).values() if function else [],
        ),
    )


def _digest(value: str) -> bytes:
    """Return a digest of fixed length. Comparing digests does not reveal the length of a key."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
