"""``keys.json`` in the state's folder: the host's keys, as they are, because management URLs carry one of them and
``/admin/host/keys`` shows the others. It is for its owner only, as all files of a state."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from embedded_host.store.files import KEY_FILE, OWNER_ONLY, keep_from_others, make_folder, replace_file
from embedded_host.store.interface import StateError

MASTER, DEFAULT, DURABLE = "_master", "default", "durabletask_extension"
"""Names of keys: opens everything; opens functions; opens the durable management API."""
PATIENCE = 5.0
"""Seconds that one who changes the keys waits for another. Then that one has died of it."""
_VERSION = 1


@dataclass(frozen=True)
class Scope:
    """Where a key's name means it."""

    kind: str
    """``host`` (opens every function), ``system`` (one of the host's extensions) or ``function``."""
    function: str = ""
    """Whose, in lower case."""


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

    def changed(self, scope: Scope, values: Mapping[str, str]) -> AccessKeys:
        if scope.kind == "function":
            return replace(self, functions={**self.functions, scope.function: values})
        return replace(self, host=values) if scope.kind == "host" else replace(self, system=values)


class KeyFile:
    """Every change is on the disk, whole, when a method returns, and is seen by whoever has the file. Methods raise StateError
    if it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / KEY_FILE
        self._read: tuple[tuple[int, int, int], AccessKeys] | None = None

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def keys(self) -> AccessKeys:
        """As they are now; none without the file."""
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
        """As a host needs them: those that every host has are made if they are missing."""
        if self.exists:
            keep_from_others(self.path)
        with self._changing() as write:
            now = self.keys()
            whole = _whole(now)
            if whole != now:
                write(whole)
        return whole

    def of_function(self, name: str) -> Mapping[str, str]:
        """A function's own keys; it gets one when it is first asked for them, as on the real host."""
        scope = Scope("function", name.lower())
        if not self.keys().of(scope):
            self.put(scope, DEFAULT, only_new=True)
        return self.keys().of(scope)

    def put(self, scope: Scope, name: str, value: str | None = None, *, only_new: bool = False) -> tuple[str, bool]:
        """The key's value, which is made up if none is given, and whether there was none before. ``only_new`` keeps one that is
        there. ``_master`` means the master key, of which there is always one."""
        with self._changing() as write:
            now = _whole(self.keys())
            if name.lower() == MASTER and scope.kind != "function":
                write(replace(now, master=(value := value or _new_value())))
                return value, False
            values = dict(now.of(scope))
            known = _spelt(values, name)
            if known in values and only_new:
                return values[known], False
            made = known not in values
            values[known] = value or _new_value()
            write(now.changed(scope, values))
        return values[known], made

    def remove(self, scope: Scope, name: str) -> bool:
        """Whether it was there."""
        with self._changing() as write:
            now = self.keys()
            values = dict(now.of(scope))
            if values.pop(_spelt(values, name), None) is None:
                return False
            write(now.changed(scope, values))
        return True

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        """Gives a function that writes. The new file is the lock: whoever makes it may change the old one."""
        new = self.path.with_name(KEY_FILE + ".new")
        try:
            make_folder(self.path.parent)
            descriptor = _made(new)
        except OSError as error:
            raise self._unwritable(error) from error
        written = False

        def write(keys: AccessKeys) -> None:
            nonlocal written
            text = json.dumps(_document(keys), indent=2) + "\n"
            with os.fdopen(
                descriptor, "wb", closefd=False
            ) as file:  # all of it, or OSError: os.write may stop half-way
                file.write(text.encode())
            written = True

        try:
            yield write
            os.fsync(descriptor)
        except OSError as error:
            written = False
            raise self._unwritable(error) from error
        except BaseException:
            written = False
            raise
        finally:
            os.close(descriptor)
            if not written:
                new.unlink(missing_ok=True)
        if written:
            try:
                _in_its_place(new, self.path)
            except OSError as error:
                new.unlink(missing_ok=True)
                raise self._unwritable(error) from error
            self._read = None

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f"The keys in {self.path} cannot be written: {error}. Name another folder with --state. [EH251]"
        )


def dashboard_link(dashboard: str, key: str) -> str:
    """The dashboard's URL with the key that it works with, where its page looks for it (and no log has it)."""
    return f"{dashboard}#code={quote(key, safe='')}"


def _made(new: Path) -> int:
    """Its descriptor, once nobody else has it."""
    waited_for, until, waited_out = _which(new), time.monotonic() + PATIENCE, False
    while True:
        try:
            return os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)
        except (FileExistsError, PermissionError):  # Windows: it is just being put in its place
            if (found := _which(new)) != waited_for:  # another one's, who has a time of its own
                waited_for, until, waited_out = found, time.monotonic() + PATIENCE, False
            if waited_out or not os.access(new.parent, os.W_OK):
                raise
            if time.monotonic() > until:
                new.unlink(missing_ok=True)
                waited_out = True
            else:
                time.sleep(0.01)


def _which(file: Path) -> tuple[int, int] | None:
    """Tells one from another that is made in its place."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _in_its_place(new: Path, path: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return replace_file(new, path)
        except PermissionError:  # Windows: somebody is just reading it
            if os.name != "nt" or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _whole(keys: AccessKeys) -> AccessKeys:
    """With the keys that every host has."""
    if not keys.master:
        keys = replace(keys, master=_new_value(), host=keys.host or {DEFAULT: _new_value()})
    return keys if DURABLE in keys.system else replace(keys, system={**keys.system, DURABLE: _new_value()})


def _new_value() -> str:
    """320 random bits; nothing in it needs encoding in a URL."""
    return secrets.token_urlsafe(40)


def _spelt(values: Mapping[str, str], name: str) -> str:
    """The name as it is there: names are compared without regard to case."""
    return next((known for known in values if known.lower() == name.lower()), name)


def _keys(document: Any) -> AccessKeys:
    if document["version"] != _VERSION:
        raise ValueError(f"its version is {document['version']}, and not {_VERSION}")
    functions = {str(name): _values(values) for name, values in document["functions"].items()}
    return AccessKeys(_value(document["master"]), _values(document["host"]), _values(document["system"]), functions)


def _values(values: Any) -> dict[str, str]:
    return {str(name): _value(value) for name, value in values.items()}


def _value(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a key is a text, and not empty")
    return value


def _document(keys: AccessKeys) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "master": keys.master,
        "host": keys.host,
        "system": keys.system,
        "functions": keys.functions,
    }
