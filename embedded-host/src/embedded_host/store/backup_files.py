"""The names and the folder of backups."""

from __future__ import annotations

import contextlib
from datetime import datetime, timezone
from pathlib import Path

BACKUPS = "backups"
"""The default folder for backups, in the state folder."""


def default_target(state_file: Path) -> Path:
    """Return the path of a new backup in the default folder. Its name contains the time."""
    folder = state_file.parent / BACKUPS
    now = datetime.now(timezone.utc)
    target = folder / f"{state_file.stem}-{now:%Y%m%dT%H%M%SZ}{state_file.suffix}"
    if target.exists():  # another backup was made in the same second
        target = folder / f"{state_file.stem}-{now:%Y%m%dT%H%M%S.%fZ}{state_file.suffix}"
    return target


def latest_backups(state_file: Path, count: int = 3) -> list[Path]:
    """Return up to ``count`` backups of the default folder, the newest first."""
    folder = state_file.parent / BACKUPS
    dated: list[tuple[float, Path]] = []
    for file in folder.glob(f"*{state_file.suffix}"):
        with contextlib.suppress(OSError):
            dated.append((file.stat().st_mtime, file))
    return [file for _, file in sorted(dated, reverse=True)[:count]]
