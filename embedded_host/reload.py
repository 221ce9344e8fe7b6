"""Hot reload: watches an app's files and says when one that counts has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
_NEEDS_RESTART = ("host.json", "local.settings.json")


async def changes(root: Path) -> AsyncIterator[set[Path]]:
    """Sets of changed files: Python files, function.json files, and those of ``needs_restart``.

    Each folder is watched by itself and virtual environments are not: watching them all would use up the system's watches.
    """
    folders = _folders(root)
    while True:
        async for found in awatch(*folders, recursive=False, debounce=200, step=50, watch_filter=_counts):
            paths = {Path(path) for _, path in found}
            now = _folders(root)
            for folder in set(now) - set(folders):  # what is in it already, nobody has been told of
                paths.update(p for p in folder.iterdir() if _counts(Change.added, str(p)))
            if files := {p for p in paths if p.suffix == ".py" or p.suffix == ".json"}:
                yield files
            if now != folders:
                folders = now
                break


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
        found += sorted(
            p for p in folder.iterdir() if p.is_dir() and p.name not in IGNORED and not p.name.startswith(".")
        )
    return found
