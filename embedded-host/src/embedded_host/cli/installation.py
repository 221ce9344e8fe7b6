"""The program that installed the host, and the commands that install more packages."""

from __future__ import annotations

import json
import shlex
import sys
from importlib import metadata
from pathlib import Path
from subprocess import list2cmdline
from urllib.parse import urlsplit
from urllib.request import url2pathname

from embedded_host.workers.shared_environment import DISTRIBUTION

DURABLETASK = "durabletask>=1.12"
"""The package of the extra ``scheduler``."""
OTLP = "opentelemetry-exporter-otlp>=1.39"
"""The package of the extra ``otel``."""


def quoted(argument: str) -> str:
    """Return an argument, quoted for the system's shell."""
    return list2cmdline([argument]) if sys.platform == "win32" else shlex.quote(argument)


def own_source() -> str:
    """Return the argument of ``pip install`` with which the host was installed.

    It is the path of a folder or of a wheel, a URL, or the name of the package. pip, pipx and uv
    record it: https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    if text is None:
        return DISTRIBUTION
    document = json.loads(text)
    url, vcs = document["url"], document.get("vcs_info")
    if urlsplit(url).scheme == "file" and vcs is None:
        return str(Path(url2pathname(urlsplit(url).path)))
    return f"{vcs['vcs']}+{url}" if vcs else str(url)


def scheduler_command() -> str:
    """Return the command that installs the packages of ``embedded-host scheduler``."""
    return _command(DURABLETASK)


def telemetry_command() -> str:
    """Return the command that installs the packages of the extra ``otel``."""
    return _command(OTLP)


def _command(requirement: str) -> str:
    """Return the command that installs a package beside the host."""
    package = quoted(requirement)
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject {DISTRIBUTION} {package}"
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv tool install --with {package} {quoted(own_source())}"
    return f"{quoted(sys.executable)} -m pip install {package}"
