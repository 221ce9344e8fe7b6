"""Where the host that has a state listens: so that a key in the state's folder is sent to that host and to no other program.

The file ``port`` is there while a host with keys runs. One that was killed leaves it behind; then nobody has the state's lock.
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
    """Write the port file, and remove it at the end. For the host, which holds the state's lock."""
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
    """None if there is none, or none that asks for keys."""
    try:
        text = (folder / NAME).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    if not text.isdigit() or not _is_locked(folder):
        return None
    return int(text)


def _is_locked(folder: Path) -> bool:
    if not os.access(folder / "lock", os.R_OK | os.W_OK):
        return False
    try:
        with StateLock(folder):
            return False
    except StateError:
        return True
