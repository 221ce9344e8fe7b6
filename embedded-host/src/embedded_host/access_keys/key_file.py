"""The host's keys: ``keys.json`` in the state's folder.

The values are in plain text, because management URLs contain one of them and ``/admin/host/keys`` shows the others. The file is
for its owner only, as all files of a state.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from embedded_host.store.files import (
    KEY_FILE,
    make_file,
    replace_file,
    restrict_to_owner,
    sync_file,
)
from embedded_host.store.interface import StateError
from embedded_host.store.lock import exclusive_lock

MASTER, DEFAULT, DURABLE = "_master", "default", "durabletask_extension"
"""Names of keys: opens everything; opens functions; opens the durable management API."""
LOCK_FILE = "keys.lock"
LOCK_TIMEOUT = 5.0
"""Seconds to wait for another process that changes the keys."""
_VERSION = 1


@dataclass(frozen=True)
class Scope:
    """The scope of a key's name."""

    kind: str
    """``host`` (opens every function), ``system`` (one of the host's extensions) or ``function``."""
    function: str = ""
    """The function's name in lower case."""


HOST, SYSTEM = Scope("host"), Scope("system")


@dataclass(frozen=True)
class AccessKeys:
    """The values of all keys by name."""

    master: str = ""
    host: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By the function's name in lower case."""

    def of(self, scope: Scope) -> Mapping[str, str]:
        if scope.kind == "function":
            return self.functions.get(scope.function, {})
        return self.host if scope.kind == "host" else self.system

    def with_values(self, scope: Scope, values: Mapping[str, str]) -> AccessKeys:
        if scope.kind == "function":
            return replace(self, functions={**self.functions, scope.function: values})
        return replace(self, host=values) if scope.kind == "host" else replace(self, system=values)


class KeyFile:
    """The key file. Every change is durable when a method returns, and visible to all processes at once.

    Processes and threads that change it take turns. Methods raise StateError if it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / KEY_FILE
        self._read: tuple[tuple[int, int, int], AccessKeys] | None = None

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def keys(self) -> AccessKeys:
        """Return the current keys; none without the file."""
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            read = self._read  # other threads read too, and change the keys
            if read is None or read[0] != seen:
                read = self._read = (seen, _keys(json.loads(self.path.read_text(encoding="utf-8"))))
        except FileNotFoundError:
            return AccessKeys()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StateError(
                f"The keys in {self.path} cannot be read: {type(error).__name__}: {error}. Correct the file, or remove it and have "
                "the host make new keys. [EH250]"
            ) from error
        return read[1]

    def begin(self) -> AccessKeys:
        """Return the keys, and create those that every host has if they are missing."""
        if self.exists:
            restrict_to_owner(self.path)
        with self._changing() as write:
            now = self.keys()
            whole = _whole(now)
            if whole != now:
                write(whole)
        return whole

    def of_function(self, name: str) -> Mapping[str, str]:
        """Return the keys of a function. The first call creates one, as on the Azure Functions host."""
        scope = Scope("function", name.lower())
        if not self.keys().of(scope):
            self.put(scope, DEFAULT, only_new=True)
        return self.keys().of(scope)

    def put(
        self, scope: Scope, name: str, value: str | None = None, *, only_new: bool = False
    ) -> tuple[str, bool]:
        """Set a key, and return its value and whether it is new.

        ``value`` None generates one. ``only_new`` keeps the value of an existing key. ``_master`` is the master key, which
        always exists.
        """
        with self._changing() as write:
            now = _whole(self.keys())
            if name.lower() == MASTER and scope.kind != "function":
                write(replace(now, master=(value := value or _new_value())))
                return value, False
            values = dict(now.of(scope))
            known = _registered_name(values, name)
            if known in values and only_new:
                return values[known], False
            made = known not in values
            values[known] = value or _new_value()
            write(now.with_values(scope, values))
        return values[known], made

    def remove(self, scope: Scope, name: str) -> bool:
        """Delete a key. Return whether it existed."""
        with self._changing() as write:
            now = self.keys()
            values = dict(now.of(scope))
            if values.pop(_registered_name(values, name), None) is None:
                return False
            write(now.with_values(scope, values))
        return True

    @contextmanager
    def _changing(self) -> Iterator[Callable[[AccessKeys], None]]:
        """Hold the file's lock, and return a function that replaces the keys. Raises StateError."""
        try:
            with exclusive_lock(self.path.with_name(LOCK_FILE), LOCK_TIMEOUT):
                yield self._write
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, keys: AccessKeys) -> None:
        """Replace the file, atomically and durably. Raises OSError, and leaves the old file."""
        new = self.path.with_name(KEY_FILE + ".new")
        new.unlink(missing_ok=True)  # of a process that was killed here
        make_file(new)
        try:
            new.write_text(
                json.dumps(_document(keys), indent=2) + "\n", encoding="utf-8", newline="\n"
            )
            sync_file(new)
            _replace(new, self.path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        self._read = None

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f"The keys in {self.path} cannot be written: {error}. Name another folder with --state. [EH251]"
        )


def dashboard_link(dashboard: str, key: str) -> str:
    """Return the dashboard's URL with the key in the fragment, which browsers do not send."""
    return f"{dashboard}#code={quote(key, safe='')}"


def _replace(new: Path, path: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return replace_file(new, path)
        except PermissionError:  # on Windows, while another process reads the file
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _whole(keys: AccessKeys) -> AccessKeys:
    """Return the keys with those that every host has."""
    if not keys.master:
        keys = replace(keys, master=_new_value(), host=keys.host or {DEFAULT: _new_value()})
    return (
        keys
        if DURABLE in keys.system
        else replace(keys, system={**keys.system, DURABLE: _new_value()})
    )


def _new_value() -> str:
    """320 random bits; nothing in it needs encoding in a URL."""
    return secrets.token_urlsafe(40)


def _registered_name(values: Mapping[str, str], name: str) -> str:
    """Return the existing spelling of a name: names are compared case-insensitively."""
    return next((known for known in values if known.lower() == name.lower()), name)


def _keys(document: Any) -> AccessKeys:
    if document["version"] != _VERSION:
        raise ValueError(f"its version is {document['version']}, and not {_VERSION}")
    functions = {str(name): _values(values) for name, values in document["functions"].items()}
    return AccessKeys(
        _value(document["master"]),
        _values(document["host"]),
        _values(document["system"]),
        functions,
    )


def _values(values: Mapping[str, object]) -> dict[str, str]:
    return {str(name): _value(value) for name, value in values.items()}


def _value(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a key is a text, and not empty")
    return value


def _document(keys: AccessKeys) -> dict[str, object]:
    return {
        "version": _VERSION,
        "master": keys.master,
        "host": keys.host,
        "system": keys.system,
        "functions": keys.functions,
    }
