"""Hot reload: watches an app's files and says when one that counts has changed."""

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
"""When a file was last written (ns), and its size."""
_NEEDS_RESTART = ("host.json", "local.settings.json")


async def changes(root: Path) -> AsyncIterator[set[Path]]:
    """Sets of changed files: Python files, function.json files, and those of ``needs_restart``. Raises OSError if they cannot be
    watched.

    Each folder is watched by itself and virtual environments are not: watching them all would use up the system's watches.
    """
    known = _stamps(_folders(root))
    while True:
        try:
            async for files in _changed(root, _folders(root), known):
                yield files
        except FileNotFoundError:  # a folder that went before it was watched
            if _is_gone(root):
                raise


async def _changed(root: Path, folders: list[Path], known: dict[Path, Stamp]) -> AsyncIterator[set[Path]]:
    """Of files in ``folders``, until other folders are to be watched; ``known`` is how files were when they were last told of."""
    begins = True
    watch = awatch(
        *folders,
        recursive=False,
        debounce=200,
        step=50,
        watch_filter=_counts,
        rust_timeout=1000,
        yield_on_timeout=True,  # the first time tells that it has begun
    )
    async with aclosing(watch):
        async for found in watch:
            paths = {_named(Path(path), root) for _, path in found}
            if not paths and not begins:
                continue
            now = _folders(root)
            if begins or now != folders:  # what changed in a folder before it was watched, nobody has told
                stamps = _stamps(now)
                paths |= {path for path in known.keys() | stamps.keys() if known.get(path) != stamps.get(path)}
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
        with suppress(OSError), os.scandir(folder) as entries:  # one that has just gone
            found += sorted(
                Path(entry.path)
                for entry in entries
                if entry.name not in IGNORED and not entry.name.startswith(".") and entry.is_dir()
            )
    return found


def _stamps(folders: Iterable[Path]) -> dict[Path, Stamp]:
    """All files in them that count, and how they are."""
    files: list[Path] = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            # By their names first: a folder of the app's data may have any number of others.
            named = [entry.path for entry in entries if entry.name.endswith((".py", ".json"))]
            files += [Path(path) for path in named if _counts(Change.modified, path)]
    return _stamps_of(files)


def _stamps_of(files: Iterable[Path]) -> dict[Path, Stamp]:
    """Without those that are there no more."""
    found = {}
    for file in files:
        with suppress(OSError):
            stat = file.stat()
            found[file] = (stat.st_mtime_ns, stat.st_size)
    return found


def _named(path: Path, root: Path) -> Path:
    """As it is below ``root``: macOS tells of files by where links lead."""
    real = root.resolve()
    return root / path.relative_to(real) if path.is_relative_to(real) else path
