"""Virtual environments for apps, with packages of the environment that runs the tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

SDK = ("azure-functions", "azure-functions-durable")


def app_environment(folder: Path, *packages: str, versions: dict[str, str] | None = None) -> Path:
    """Create a virtual environment with ``packages`` and their requirements, and without the host.

    Return the path of its interpreter. ``versions`` are the versions in the metadata of packages.
    The metadata of a package with an empty version is missing.
    """
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    target = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    link_packages(target, *packages, versions=versions)
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / (
        "python.exe" if sys.platform == "win32" else "python"
    )


def link_packages(target: Path, *packages: str, versions: dict[str, str] | None = None) -> None:
    """Link packages and their requirements into the folder ``target``. On Windows, copy them."""
    target.mkdir(parents=True, exist_ok=True)
    versions = versions or {}
    for name in _with_requirements(packages):
        package = metadata.distribution(name)
        for top in {file.parts[0] for file in package.files or () if ".." not in file.parts}:
            source = Path(str(package.locate_file(top)))
            is_metadata = top.endswith(".dist-info")
            if (is_metadata and name in versions) or top == "__pycache__":
                continue
            if not (target / top).exists():
                _link(source, target / top)
        if version := versions.get(name):
            fake = target / f"{name.replace('-', '_')}-{version}.dist-info"
            fake.mkdir()
            (fake / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )


def _link(source: Path, target: Path) -> None:
    if sys.platform != "win32":
        target.symlink_to(source, target_is_directory=source.is_dir())
    elif source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _with_requirements(packages: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in names:
            continue
        names.append(name)
        for text in metadata.requires(name) or ():
            required = re.match(r"[\w.-]+", text)
            assert required is not None
            try:
                metadata.distribution(required[0])
            except metadata.PackageNotFoundError:  # of an extra or for another platform
                continue
            if "extra ==" not in text:
                waiting.append(required[0])
    return names
