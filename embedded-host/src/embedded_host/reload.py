"""Watches an app's files for hot reload."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, suppress
from pathlib import Path

from watchfiles import Change, awatch

IGNORED = frozenset(
    {
        "__pycache__",
        "node_modules",
        "venv",
        "env",
        "site-packages",
        ".git",
        ".venv",
        ".embedded-host",
        ".python_packages",
    }
)
Stamp = tuple[int, int]
"""Modification time in ns, and size."""
_NEEDS_RESTART = ("host.json", "local.settings.json")


async def changes(root: Path) -> AsyncIterator[set[Path]]:
    """Yield sets of changed files: Python files, function.json files, and those of ``needs_restart``. Raises OSError if they cannot be
    watched.

    Each directory is watched separately, virtual environments are not: they would exhaust the watches of the system.
    """
    known = _stamps(_folders(root))
    while True:
        try:
            async for files in _changed(root, _folders(root), known):
                yield files
        except FileNotFoundError:  # a directory was deleted before it was watched
            if _is_gone(root):
                raise


async def _changed(
    root: Path, folders: list[Path], known: dict[Path, Stamp]
) -> AsyncIterator[set[Path]]:
    """Yield changes of files in ``folders`` until the set of directories changes. ``known`` has the last stamp of each file."""
    begins = True
    watch = awatch(
        *folders,
        recursive=False,
        debounce=200,
        step=50,
        watch_filter=_counts,
        rust_timeout=1000,
        yield_on_timeout=True,  # the first result means that the watcher runs
    )
    async with aclosing(watch):
        async for found in watch:
            paths = {_named(Path(path), root) for _, path in found}
            if not paths and not begins:
                continue
            now = _folders(root)
            if (
                begins or now != folders
            ):  # a change in a directory before it was watched causes no event
                stamps = _stamps(now)
                paths |= {
                    path
                    for path in known.keys() | stamps.keys()
                    if known.get(path) != stamps.get(path)
                }
            begins = False
            if files := {path for path in paths if path.suffix in (".py", ".json")}:
                for file in files:
                    known.pop(file, None)
                known.update(_stamps_of(files))
                yield files
            if now != folders:
                return


def _is_gone(root: Path) -> bool:
    return not root.is_dir()


def needs_restart(path: Path, root: Path) -> bool:
    return path.parent == root and path.name in _NEEDS_RESTART


def _counts(change: Change, path: str) -> bool:
    file = Path(path)
    if any(part in IGNORED for part in file.parts[-4:]):
        return False
    return (
        file.suffix == ".py"
        or file.name in ("function.json", *_NEEDS_RESTART)
        or (change != Change.modified and not file.suffix)
    )


def _folders(root: Path) -> list[Path]:
    found = [root]
    for folder in found:
        with suppress(OSError), os.scandir(folder) as entries:  # deleted meanwhile
            found += sorted(
                Path(entry.path)
                for entry in entries
                if entry.name not in IGNORED and not entry.name.startswith(".") and entry.is_dir()
            )
    return found


def _stamps(folders: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of all relevant files."""
    files: list[Path] = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            # Compared by name first, because a data directory may contain many files.
            named = [entry.path for entry in entries if entry.name.endswith((".py", ".json"))]
            files += [Path(path) for path in named if _counts(Change.modified, path)]
    return _stamps_of(files)


def _stamps_of(files: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of the files that exist."""
    found = {}
    for file in files:
        with suppress(OSError):
            stat = file.stat()
            found[file] = (stat.st_mtime_ns, stat.st_size)
    return found


def _named(path: Path, root: Path) -> Path:
    """Return the path below ``root``: macOS reports files with resolved links."""
    real = root.resolve()
    return root / path.relative_to(real) if path.is_relative_to(real) else path
