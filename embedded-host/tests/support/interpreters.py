"""The Python interpreters of this machine, by their version."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


def find_python(version: str) -> Path | None:
    """Return an interpreter of a version such as ``3.10``, or None if the machine has none.

    The interpreter is in PATH, or in the folder of pyenv or uv.
    """
    return next((path for path in _candidates(version) if _version(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    program = "python.exe" if os.name == "nt" else "bin/python"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/{program}"))
    uv = Path.home() / ".local" / "share" / "uv" / "python"
    yield from sorted(uv.glob(f"cpython-{version}.*/{program}"))


def _version(path: Path) -> str | None:
    """Return the version of an interpreter, or None if it does not run, such as a stub."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        finished = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.strip() if finished.returncode == 0 else None
