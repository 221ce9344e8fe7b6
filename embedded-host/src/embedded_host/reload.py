"""The file watcher for hot reload."""

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
"""The modification time of a file in nanoseconds, and its size in bytes."""
_NEEDS_RESTART = ("host.json", "local.settings.json")


async def changes(root: Path) -> AsyncIterator[set[Path]]:
    """Yield sets of changed files of the app folder ``root``.

    The sets contain Python files, function.json files, and files for which ``needs_restart``
    returns true. Each folder is watched separately. The ``IGNORED`` folders are not watched,
    because a virtual environment would exhaust the watches of the operating system. Raises OSError
    if the files cannot be watched.
    """
    known = _stamps(_folders(root))
    while True:
        try:
            async for files in _changed(root, _folders(root), known):
                yield files
        except FileNotFoundError:  # a folder was deleted before the watch started
            if _is_missing(root):
                raise


async def _changed(
    root: Path, folders: list[Path], known: dict[Path, Stamp]
) -> AsyncIterator[set[Path]]:
    """Yield changes of files in ``folders`` until the set of folders changes.

    ``known`` contains the last stamp of each file. This function updates ``known``.
    """
    is_first = True
    watch = awatch(
        *folders,
        recursive=False,
        debounce=200,
        step=50,
        watch_filter=_is_relevant,
        rust_timeout=1000,
        yield_on_timeout=True,  # the first result shows that the watcher runs
    )
    async with aclosing(watch):
        async for changes in watch:
            paths = {_below_root(Path(path), root) for _, path in changes}
            if not paths and not is_first:
                continue
            current = _folders(root)
            # A change causes no event if its folder is not watched yet.
            if is_first or current != folders:
                stamps = _stamps(current)
                paths |= {
                    path
                    for path in known.keys() | stamps.keys()
                    if known.get(path) != stamps.get(path)
                }
            is_first = False
            if files := {path for path in paths if path.suffix in (".py", ".json")}:
                for file in files:
                    known.pop(file, None)
                known.update(_stamps_of(files))
                yield files
            if current != folders:
                return


def _is_missing(folder: Path) -> bool:
    return not folder.is_dir()


def needs_restart(path: Path, root: Path) -> bool:
    """Return true for a file that the host reads only at its start."""
    return path.parent == root and path.name in _NEEDS_RESTART


def _is_relevant(change: Change, path: str) -> bool:
    file = Path(path)
    if any(part in IGNORED for part in file.parts[-4:]):
        return False
    return (
        file.suffix == ".py"
        or file.name in ("function.json", *_NEEDS_RESTART)
        or (change != Change.modified and not file.suffix)
    )


def _folders(root: Path) -> list[Path]:
    """Return ``root`` and the folders below it that are watched."""
    folders = [root]
    for folder in folders:
        # OSError: the folder was deleted after its parent was read.
        with suppress(OSError), os.scandir(folder) as entries:
            folders += sorted(
                Path(entry.path)
                for entry in entries
                if entry.name not in IGNORED and not entry.name.startswith(".") and entry.is_dir()
            )
    return folders


def _stamps(folders: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of all relevant files."""
    files: list[Path] = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            # Filter by name before creating a Path, because a folder may contain many data files.
            paths = [entry.path for entry in entries if entry.name.endswith((".py", ".json"))]
            files += [Path(path) for path in paths if _is_relevant(Change.modified, path)]
    return _stamps_of(files)


def _stamps_of(files: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the stamps of the files that exist."""
    stamps: dict[Path, Stamp] = {}
    for file in files:
        with suppress(OSError):
            stat = file.stat()
            stamps[file] = (stat.st_mtime_ns, stat.st_size)
    return stamps


def _below_root(path: Path, root: Path) -> Path:
    """Return ``path``, changed so that it begins with ``root`` as the caller passed it.

    macOS reports paths in which symbolic links are resolved.
    """
    real = root.resolve()
    return root / path.relative_to(real) if path.is_relative_to(real) else path
