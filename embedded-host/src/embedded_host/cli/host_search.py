"""The search for the running host of an app."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from embedded_host.access_keys.running_host import (
    printed_url,
    responds,
    url_of,
    url_of_running_host,
)
from embedded_host.cli.command import CommandError

DEFAULT_PORT = 7071
"""The default port of a host. The constant is repeated here because importing host.py is slow."""
VARIABLE = "EMBEDDED_HOST_URL"
"""The environment variable with the URL of the host."""


@dataclass(frozen=True)
class FoundHost:
    """A host that a command uses."""

    url: str
    """The URL for messages."""
    address: str
    """The URL to connect to."""
    note: str = ""
    """The reason why this host was selected, or its app, if a user may not expect it."""


@dataclass(frozen=True)
class NoHost:
    """The reason why a search has found no host."""

    reason: str
    """A clause, such as ``no host responds at http://localhost:7071``."""
    is_other_app: bool = False
    """True if the host at the default address runs another app."""


def find_host(root: Path, state_folder: Path, code: str | None) -> FoundHost | NoHost:
    """Search for the host of the app in ``root``.

    The environment variable EMBEDDED_HOST_URL precedes the address in the state folder, which
    precedes the default port.
    """
    if url := os.environ.get(VARIABLE):
        return FoundHost(url, url, VARIABLE)
    if address := url_of_running_host(state_folder):
        return FoundHost(printed_url(address), address)
    return _at_default_port(root, code)


def _at_default_port(root: Path, code: str | None) -> FoundHost | NoHost:
    from embedded_host.app.local_settings import read_local_settings

    settings, _ = read_local_settings(root)
    address = url_of(settings.address or "127.0.0.1", settings.port or DEFAULT_PORT)
    url = printed_url(address)
    if not responds(address):
        return NoHost(f"no host responds at {url}")
    served = _served_app(address, code)
    is_app = (root / "host.json").is_file()
    if served is None:
        return FoundHost(url, address, "its app is unknown" if is_app else "")
    folder, hub = served
    if not is_app:
        return FoundHost(url, address, f"app {folder}")
    if _is_same_folder(folder, root):
        return FoundHost(url, address)
    # In a container, the path of the same app is another one.
    if not folder.exists() and hub.lower() == (app_hub(root) or "").lower():
        return FoundHost(url, address, f"app {folder}, task hub {hub}")
    return NoHost(f"the host at {url} runs another app, {folder}", is_other_app=True)


def _served_app(address: str, code: str | None) -> tuple[Path, str] | None:
    """Return the folder and the task hub of a host's app, or None if the host does not report them.

    The Azure Functions host has no such endpoint.
    """
    from embedded_host.cli.host_connection import HostConnection

    try:
        response = HostConnection(address, code=code).send("GET", "/admin/host/app")
        document = response.json_object() if response.status == 200 else {}
    except CommandError:
        return None
    folder, hub = document.get("root"), document.get("taskHub")
    return (Path(folder), hub) if isinstance(folder, str) and isinstance(hub, str) else None


def _is_same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def app_hub(root: Path) -> str | None:
    """Return the name of the task hub in the app's host.json, or None without host.json."""
    from embedded_host.app.host_json import read_host_json
    from embedded_host.app.local_settings import effective_environment, read_local_settings

    settings, _ = read_local_settings(root)
    added, _ = effective_environment(settings, os.environ, root)
    try:
        return read_host_json(root, {**os.environ, **added})[0].hub_name
    except FileNotFoundError:
        return None
