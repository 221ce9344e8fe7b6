"""The port of the running host of a state, so that the CLI sends a key of that state to no other program.

The file ``port`` exists while a host with keys runs. A killed host leaves it behind, but then no process holds the state's lock.
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
    """Return the port; None if no host runs, or none that requires keys."""
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
