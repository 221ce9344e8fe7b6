"""The address of the host that uses a state folder.

The host creates the file ``address`` and deletes it when it stops. The command line finds the host
with this file, and sends a key of the state folder only to this address, so that no other program
receives the key. If the host is killed, the file remains. The file is then ignored, because no
process has the lock of the state folder.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from embedded_host.store.files import make_file
from embedded_host.store.lock import is_locked

NAME = "address"
CONNECT_TIMEOUT = 2.0
"""Seconds to wait for a connection."""
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}
"""The addresses of connections to a host that listens on the address of the key."""


def url_of(address: str, port: int) -> str:
    """Return the URL of connections from this machine to a host that listens on ``address``.

    On Windows, a connection to the name localhost takes two seconds longer if the host does not
    listen on ::1. Therefore the URL contains the address.
    """
    address = _LOOPBACK.get(address, address)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def printed_url(url: str) -> str:
    """Return a URL for messages, with the name localhost for the addresses of this machine."""
    parts = urlsplit(url)
    is_local = parts.hostname in ("127.0.0.1", "::1")
    return f"{parts.scheme}://localhost:{parts.port}" if is_local else url


def is_same_address(url: str, running: str) -> bool:
    """Return True if ``url`` is the address ``running``. Names of this machine are equal."""
    parts, other = urlsplit(url if "://" in url else f"http://{url}"), urlsplit(running)
    local = ("localhost", "127.0.0.1", "::1")
    is_same_host = parts.hostname == other.hostname or (
        parts.hostname in local and other.hostname in local
    )
    return is_same_host and parts.port == other.port


def responds(url: str) -> bool:
    """Return True if a program listens at the address of ``url``."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 80), CONNECT_TIMEOUT).close()
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def publish_address(folder: Path, url: str) -> Iterator[None]:
    """Write the address file, and delete it at the end of the ``with`` block.

    The caller is the host, which holds the lock of the state folder.
    """
    path = folder / NAME
    path.unlink(missing_ok=True)
    make_file(path)
    path.write_text(f"{url}\n", encoding="utf-8")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def url_of_running_host(folder: Path) -> str | None:
    """Return the URL of the host that uses a state folder, or None if no host uses it.

    The connection is tried before the lock, because the lock is held for a short time while it is
    tried.
    """
    path = folder / NAME
    try:
        if not _is_trusted(path):
            return None
        url = path.read_text(encoding="utf-8").strip()
        parts = urlsplit(url)
        is_address = parts.scheme == "http" and bool(parts.hostname) and bool(parts.port)
    except (OSError, ValueError):
        return None
    return url if is_address and responds(url) and is_locked(folder) else None


def _is_trusted(path: Path) -> bool:
    """Return True unless another user has put the file into the folder.

    In a folder that several users can write to, another user could redirect the commands.
    """
    if os.name != "posix":  # the permissions of the folder protect the file
        return True
    return path.lstat().st_uid in (os.geteuid(), path.parent.stat().st_uid)
