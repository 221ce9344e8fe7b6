"""Checks of the state folder, its file and the port of the host."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from embedded_host.app.local_settings import NAME
from embedded_host.doctor.finding import Finding, finding_of_error
from embedded_host.http.sockets import PortInUseError, bind_public, is_loopback
from embedded_host.store.error_messages import damage_error, state_error
from embedded_host.store.files import STATE_FILE
from embedded_host.store.integrity_check import integrity_problem
from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock
from embedded_host.store.read_only import open_read_only
from embedded_host.store.state_file import check_files


def check_lock(folder: Path) -> Finding | None:
    """Return a finding if a running host uses the state folder, or if it cannot be locked."""
    lock = folder / "lock"
    if not lock.exists() or not os.access(lock, os.R_OK | os.W_OK):
        return None
    try:
        with StateLock(folder):
            return None
    except StateError as error:
        return finding_of_error(error, "warning" if "[EH211]" in str(error) else "error")


def check_folder(folder: Path) -> Finding | None:
    """Return a finding if the host cannot write to the state folder, or cannot create it."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        text = f"The state folder {folder} cannot be used: {existing} is a file."
    elif not os.access(existing, os.W_OK | os.X_OK):
        text = f"The state folder {folder} cannot be used: {existing} is not writable."
    else:
        unwritable = [
            path
            for path in (folder / STATE_FILE, folder / "lock")
            if path.is_file() and not os.access(path, os.W_OK)
        ]
        if not unwritable:
            return None
        text = f"The state folder {folder} cannot be used: {unwritable[0]} is not writable."
    return Finding(
        "error",
        text,
        "Correct the permissions, or start the host with another folder: --state DIR.",
        "EH210",
    )


def check_file(path: Path) -> Finding | None:
    """Return a finding if the state file is damaged or belongs to another program or version."""
    try:
        check_files(path)
        if not path.exists():
            return None
        with open_read_only(path) as connection:
            try:
                problem = integrity_problem(connection)
            except (sqlite3.Error, UnicodeError) as error:
                raise state_error(path, error, "read") from error
        if problem is not None:
            raise damage_error(path, problem)
    except StateError as error:
        return finding_of_error(error)
    except OSError as error:
        return finding_of_error(
            StateError(f"The state file {path} cannot be read: {error}. [EH212]")
        )
    return None


def check_port(address: str, port: int, *, host_is_running: bool) -> Iterator[Finding]:
    """Yield a finding if the host cannot listen on its port.

    ``host_is_running`` is True if a host uses the app's state folder. Then that host is the likely
    user of the port.
    """
    try:
        if not is_loopback(address):
            yield Finding(
                "error",
                f"LocalHttpAddress is {address}, which other machines can reach. The host listens "
                "on such an address only if an option selects it.",
                f"Remove LocalHttpAddress, or start the host with --address {address} --auth.",
                "EH206",
                NAME,
            )
        bind_public(address, port).close()
    except PortInUseError:
        yield Finding(
            "warning" if host_is_running else "error",
            f"Port {port} is in use by "
            + (
                "another process, probably the running host."
                if host_is_running
                else "another process."
            ),
            "Stop that process, or start the host with another port: --port 7072.",
            "EH201",
        )
    except OSError as error:
        yield Finding(
            "error",
            f"The host cannot listen on {address}:{port}: {error}.",
            f"Correct LocalHttpAddress and LocalHttpPort in {NAME}.",
            "EH202",
            NAME,
        )
