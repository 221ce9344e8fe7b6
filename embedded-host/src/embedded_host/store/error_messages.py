"""What is said of a state file that is damaged: what was found, and the way out."""

from __future__ import annotations

from pathlib import Path

from embedded_host.store.backup import latest_backups
from embedded_host.store.interface import StateError

_DISK = ("disk i/o error",)
_DAMAGE = ("malformed", "unsupported file format", "file is encrypted", "could not decode", "can't decode")
_FULL = ("disk is full",)


def damaged(path: Path | None, found: object) -> StateError:
    return StateError(f"The state file {path} is damaged: {str(found).rstrip('.')}. {way_out(path)} [EH220]")


def way_out(path: Path | None) -> str:
    if path is None:  # the state is in memory
        return "Start again."
    return (
        f"Stop the host, and get out what can be had with: embedded-host recover --state {quoted(path.parent)} (the damaged "
        f"file is kept). {backups_text(path)}"
    )


def backups_text(path: Path) -> str:
    backups = latest_backups(path)
    if not backups:
        return f"There is no backup in {path.parent} (embedded-host backup makes one)."
    return f"The latest backups: {', '.join(map(str, backups))}."


def quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text


def in_words(path: Path | None, error: Exception, doing: str) -> StateError:
    """``doing``: read, written or opened."""
    text = str(error).lower()
    if "not a database" in text:
        never = "If it never was a state of the embedded host, use another folder with --state; if it was"
        return damaged(path, f"{error}. {never}")
    if any(sign in text for sign in _DAMAGE):
        return damaged(path, error)
    if any(sign in text for sign in _DISK):
        return StateError(
            f"The state file {path} cannot be {doing}: {error}. The disk, or what connects it, is failing: look at the system's "
            f"log. {way_out(path)} [EH221]"
        )
    if any(sign in text for sign in _FULL):
        return StateError(
            f"The state file {path} cannot be {doing}: {error}. Make room and start the host again: what it has acknowledged "
            "is there. [EH215]"
        )
    return StateError(f"The state file {path} cannot be {doing}: {error}. [EH215]")
