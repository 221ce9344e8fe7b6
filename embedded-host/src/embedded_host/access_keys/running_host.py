"""The port of the host that uses a state folder.

The command line sends a key of the state folder only to this port, so that no other program
receives the key. A host that requires keys creates the file ``port``, and deletes it when it stops.
If the host is killed, the file remains, but then no process has the lock of the state folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embedded_host.store.files import make_file
from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock

NAME = "port"


@contextmanager
def publish_port(folder: Path, port: int) -> Iterator[None]:
    """Write the port file, and delete it at the end of the ``with`` block.

    The caller is the host, which holds the lock of the state folder.
    """
    path = folder / NAME
    path.unlink(missing_ok=True)
    make_file(path)
    path.write_text(f"{port}\n", encoding="ascii")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def port_of_running_host(folder: Path) -> int | None:
    """Return the port of the running host, or None if no host with keys is running."""
    try:
        port = (folder / NAME).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    if not port.isdigit() or not _is_locked(folder):
        return None
    return int(port)


def _is_locked(folder: Path) -> bool:
    if not os.access(folder / "lock", os.R_OK | os.W_OK):
        return False
    try:
        with StateLock(folder):
            return False
    except StateError:
        return True
