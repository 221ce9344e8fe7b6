"""The file of the access keys: ``keys.json`` in the state folder.

The keys are in plain text, because management URLs contain one of them and ``/admin/host/keys``
returns the others. As with all files of the state folder, only the owner can read the file.
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
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta, Struct
from msgspec import json as msgspec_json

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
"""Names of keys. ``_master`` allows every request, ``default`` allows requests to functions, and
``durabletask_extension`` allows requests to the durable management API."""
LOCK_FILE = "keys.lock"
LOCK_TIMEOUT = 5.0
"""Seconds to wait while another process changes the keys."""
_VERSION = 1
_Key = Annotated[str, Meta(min_length=1)]


class _Document(Struct):
    """The content of the key file."""

    version: int
    master: _Key
    host: dict[str, _Key]
    system: dict[str, _Key]
    functions: dict[str, dict[str, _Key]]


@dataclass(frozen=True)
class Scope:
    """The requests that a group of keys allows. The names of keys are unique in a scope."""

    kind: str
    """``host`` (all functions), ``system`` (an extension of the host) or ``function``."""
    function: str = ""
    """Name of the function in lower case."""


HOST, SYSTEM = Scope("host"), Scope("system")


@dataclass(frozen=True)
class AccessKeys:
    """The keys of a host by scope and name."""

    master: str = ""
    host: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Keys of functions, by the function's name in lower case."""

    def of(self, scope: Scope) -> Mapping[str, str]:
        """Return the keys of a scope by name."""
        if scope.kind == "function":
            return self.functions.get(scope.function, {})
        return self.host if scope.kind == "host" else self.system

    def with_values(self, scope: Scope, values: Mapping[str, str]) -> AccessKeys:
        """Return a copy in which ``values`` replace the keys of ``scope``."""
        if scope.kind == "function":
            return replace(self, functions={**self.functions, scope.function: values})
        return replace(self, host=values) if scope.kind == "host" else replace(self, system=values)


class KeyFile:
    """The key file.

    A change is durable and visible to all processes when its method returns. Processes and threads
    change the file one at a time. Methods raise StateError if the file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / KEY_FILE
        self._read: tuple[tuple[int, int, int], AccessKeys] | None = None

    @property
    def exists(self) -> bool:
        """True if the file exists."""
        return self.path.exists()

    def keys(self) -> AccessKeys:
        """Return the current keys, or no keys if the file does not exist."""
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            read = self._read  # read once, because another thread may replace the attribute
            if read is None or read[0] != stamp:
                read = self._read = (stamp, _parse(self.path.read_bytes()))
        except FileNotFoundError:
            return AccessKeys()
        except (OSError, ValueError) as error:
            raise StateError(
                f"The keys in {self.path} cannot be read: {error}. Correct the file, or delete it: "
                "the host then creates new keys. [EH250]"
            ) from error
        return read[1]

    def begin(self) -> AccessKeys:
        """Create the standard keys that are missing, and return all keys."""
        if self.exists:
            restrict_to_owner(self.path)
        with self._changing() as write:
            current = self.keys()
            complete = _complete(current)
            if complete != current:
                write(complete)
        return complete

    def of_function(self, name: str) -> Mapping[str, str]:
        """Return the keys of a function.

        The first call for a function creates a key, as on the Azure Functions host.
        """
        scope = Scope("function", name.lower())
        if not self.keys().of(scope):
            self.put(scope, DEFAULT, only_new=True)
        return self.keys().of(scope)

    def put(
        self, scope: Scope, name: str, value: str | None = None, *, only_new: bool = False
    ) -> tuple[str, bool]:
        """Set a key. Return its value, and true if the key is new.

        If ``value`` is None, a value is generated. If ``only_new`` is true, an existing key keeps
        its value. The name ``_master`` means the master key, which always exists.
        """
        with self._changing() as write:
            current = _complete(self.keys())
            if name.lower() == MASTER and scope.kind != "function":
                write(replace(current, master=(value := value or _new_value())))
                return value, False
            values = dict(current.of(scope))
            known = _registered_name(values, name)
            is_new = known not in values
            if not is_new and only_new:
                return values[known], False
            values[known] = value or _new_value()
            write(current.with_values(scope, values))
        return values[known], is_new

    def remove(self, scope: Scope, name: str) -> bool:
        """Delete a key. Return true if it existed."""
        with self._changing() as write:
            current = self.keys()
            values = dict(current.of(scope))
            if values.pop(_registered_name(values, name), None) is None:
                return False
            write(current.with_values(scope, values))
        return True

    @contextmanager
    def _changing(self) -> Iterator[Callable[[AccessKeys], None]]:
        """Hold the lock of the file, and provide a function that replaces the keys.

        Raises StateError.
        """
        try:
            with exclusive_lock(self.path.with_name(LOCK_FILE), LOCK_TIMEOUT):
                yield self._write
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, keys: AccessKeys) -> None:
        """Replace the file atomically and durably. After an OSError, the old file still exists."""
        new = self.path.with_name(KEY_FILE + ".new")
        new.unlink(missing_ok=True)  # left by a process that was killed before the rename
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
            f"The keys in {self.path} cannot be written: {error}. Use another folder with --state. "
            "[EH251]"
        )


def dashboard_link(dashboard: str, key: str) -> str:
    """Return the dashboard's URL with the key in the fragment, which browsers do not send."""
    return f"{dashboard}#code={quote(key, safe='')}"


def _replace(new: Path, path: Path) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            return replace_file(new, path)
        except PermissionError:  # on Windows while another process reads the file
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _complete(keys: AccessKeys) -> AccessKeys:
    """Return ``keys`` and a new key for each standard key that is missing."""
    if not keys.master:
        keys = replace(keys, master=_new_value(), host=keys.host or {DEFAULT: _new_value()})
    return (
        keys
        if DURABLE in keys.system
        else replace(keys, system={**keys.system, DURABLE: _new_value()})
    )


def _new_value() -> str:
    """Return a key of 320 random bits that needs no encoding in a URL.

    It does not start with ``-``, because a command line could treat such a key as an option.
    """
    while (value := secrets.token_urlsafe(40)).startswith("-"):
        pass
    return value


def _registered_name(values: Mapping[str, str], name: str) -> str:
    """Return the spelling of an existing name, because names are not case-sensitive."""
    return next((known for known in values if known.lower() == name.lower()), name)


def _parse(content: bytes) -> AccessKeys:
    """Return the keys of a file's content. Raises ValueError."""
    document = msgspec_json.decode(content, type=_Document)
    if document.version != _VERSION:
        raise ValueError(f"its version is {document.version} instead of {_VERSION}")
    return AccessKeys(document.master, document.host, document.system, document.functions)


def _document(keys: AccessKeys) -> dict[str, object]:
    return {
        "version": _VERSION,
        "master": keys.master,
        "host": keys.host,
        "system": keys.system,
        "functions": keys.functions,
    }
