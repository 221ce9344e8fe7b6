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

    It is the path of a folder or of a wheel, a URL, or the name of the package.
    """
    url = _own_url()
    if url is None:
        return DISTRIBUTION
    if urlsplit(url).scheme == "file":
        return str(Path(url2pathname(urlsplit(url).path)))
    return url


def own_requirement() -> str:
    """Return the line of a requirements file that installs the host from the same source."""
    url = _own_url()
    return DISTRIBUTION if url is None else f"{DISTRIBUTION} @ {url}"


def _own_url() -> str | None:
    """Return the URL from which the host was installed, or None if it came from an index.

    pip, pipx and uv record the URL:
    https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    if text is None:
        return None
    document = json.loads(text)
    url, vcs = str(document["url"]), document.get("vcs_info")
    if vcs:
        revision = vcs.get("requested_revision")
        url = f"{vcs['vcs']}+{url}" + (f"@{revision}" if revision else "")
    subdirectory = document.get("subdirectory")
    return f"{url}#subdirectory={subdirectory}" if subdirectory else url


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
