"""The errors for a state file that cannot be used: SQLite's message and the fix."""

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


def damage_error(path: Path | None, damage: object) -> StateError:
    """Return the error for a damaged file. ``damage`` describes the damage."""
    return StateError(
        f"The state file {path} is damaged: {str(damage).rstrip('.')}. {remedy(path)} [EH220]"
    )


def state_error(path: Path | None, error: Exception, operation: str) -> StateError:
    """Return the error for an exception of SQLite.

    ``operation`` is "read", "written" or "opened".
    """
    message = str(error).lower()
    failure = f"The state file {path} cannot be {operation}: {error}."
    if "not a database" in message:
        return damage_error(
            path, f"{error}. If another program created the file, use another folder with --state"
        )
    if any(sign in message for sign in _DAMAGE):
        return damage_error(path, error)
    if any(sign in message for sign in _DISK):
        return StateError(
            f"{failure} The disk, or the connection to the disk, has failed. Read the system's "
            f"log. {remedy(path)} [EH221]"
        )
    if any(sign in message for sign in _FULL):
        return StateError(
            f"{failure} Free disk space and start the host again. The file contains all data that "
            "the host acknowledged. [EH215]"
        )
    if "locked" in message:
        return StateBusyError(
            f"{failure} Another program has locked the file. Close that program. [EH215]"
        )
    return StateError(f"{failure} [EH215]")


def remedy(path: Path | None) -> str:
    """Return the sentences that explain how to get a usable state file again."""
    if path is None:  # the state is in memory
        return "Start again."
    return (
        "Stop the host and recover the readable data: embedded-host recover --state "
        f"{shell_quoted(path.parent)} (the damaged file is kept). {backups_sentence(path)}"
    )


def backups_sentence(path: Path) -> str:
    """Return a sentence that names the latest backups."""
    backups = latest_backups(path)
    if not backups:
        return f"There is no backup in {path.parent} (to create one, run embedded-host backup)."
    return f"The latest backups: {', '.join(map(str, backups))}."


def shell_quoted(path: Path) -> str:
    """Return the path for a command line, in quotes if it contains spaces."""
    return f'"{path}"' if " " in str(path) else str(path)
