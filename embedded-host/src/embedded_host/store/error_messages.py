"""The errors for a state file that cannot be used: what SQLite reports, and what to do."""

from __future__ import annotations

from pathlib import Path

from embedded_host.store.backup_files import latest_backups
from embedded_host.store.interface import StateBusyError, StateError

_DISK = ("disk i/o error",)
_DAMAGE = (
    "malformed",
    "unsupported file format",
    "file is encrypted",
    "could not decode",
    "can't decode",
)
_FULL = ("disk is full",)


def damage_error(path: Path | None, found: object) -> StateError:
    """Return the error for a damaged file; ``found`` describes the damage."""
    return StateError(
        f"The state file {path} is damaged: {str(found).rstrip('.')}. {remedy(path)} [EH220]"
    )


def state_error(path: Path | None, error: Exception, operation: str) -> StateError:
    """Return the error for an exception of SQLite; ``operation`` is "read", "written" or "opened"."""
    text = str(error).lower()
    if "not a database" in text:
        return damage_error(
            path, f"{error}. If it is another program's file, use another folder with --state"
        )
    if any(sign in text for sign in _DAMAGE):
        return damage_error(path, error)
    if any(sign in text for sign in _DISK):
        return StateError(
            f"The state file {path} cannot be {operation}: {error}. The disk, or its connection, fails: see the system's "
            f"log. {remedy(path)} [EH221]"
        )
    if any(sign in text for sign in _FULL):
        return StateError(
            f"The state file {path} cannot be {operation}: {error}. Free disk space and start the host again: everything "
            "that it acknowledged is in the file. [EH215]"
        )
    if "locked" in text:
        return StateBusyError(
            f"The state file {path} cannot be {operation}: {error}. Another program has it open: close that program. [EH215]"
        )
    return StateError(f"The state file {path} cannot be {operation}: {error}. [EH215]")


def remedy(path: Path | None) -> str:
    """Return the sentences that say how to get a usable state again."""
    if path is None:  # the state is in memory
        return "Start again."
    return (
        f"Stop the host and recover the readable data: embedded-host recover --state {shell_quoted(path.parent)} (the damaged "
        f"file is kept). {backups_sentence(path)}"
    )


def backups_sentence(path: Path) -> str:
    """Return a sentence that names the latest backups."""
    backups = latest_backups(path)
    if not backups:
        return f"There is no backup in {path.parent} (embedded-host backup makes one)."
    return f"The latest backups: {', '.join(map(str, backups))}."


def shell_quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if " " in text else text
