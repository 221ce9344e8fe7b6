"""The command ``backup``: a copy of the state file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import command
from embedded_host.cli.output import number_of_instances, print_result
from embedded_host.cli.target import Target, state_options

if TYPE_CHECKING:
    import sqlite3


@command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@as_json
@state_options
def backup(target: Target, file: Path | None, as_json: bool) -> None:
    """Copy the state to FILE. A running host does not need to stop.

    The copy is one file with a consistent snapshot. Only your user can read the file. The command
    verifies the copy. Without FILE, the command writes the copy to the folder backups in the state
    folder. The file name then contains the current time.

    To restore a backup, stop the host, move state.db, state.db-wal and state.db-shm to another
    folder, and copy the backup to state.db.

    Examples:
      embedded-host backup
      embedded-host backup /mnt/backups/shop-monday.db --script-root shop
    """
    from embedded_host.store.backup import back_up
    from embedded_host.store.backup_files import default_target
    from embedded_host.store.read_only import read_state

    path = target.state_path()
    file = Path(os.path.abspath(file or default_target(path)))  # noqa: PTH100 - resolve() would follow links
    with _open(path) as connection:
        back_up(connection, file)
    with read_state(file) as copy:
        count = copy.count()
    size = file.stat().st_size
    document = {"file": str(file), "state": str(path), "instances": count, "bytes": size}
    print_result(
        as_json, document, f"Copied {number_of_instances(count)} ({size / 1e6:.1f} MB) to {file}."
    )


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the state for reading. Raises StateError.

    If no host is running, SQLite creates no files in the state folder.
    """
    from embedded_host.store.interface import StateError
    from embedded_host.store.lock import StateLock
    from embedded_host.store.read_only import open_beside_host, open_read_only

    with ExitStack() as stack:
        try:
            stack.enter_context(StateLock(path.parent))
        except StateError:  # a running host holds the lock
            yield stack.enter_context(open_beside_host(path))
        else:
            yield stack.enter_context(open_read_only(path))
