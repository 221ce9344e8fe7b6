"""A copy of the state, while a host has it or not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import command
from embedded_host.cli.output import print_json
from embedded_host.cli.target import Target, state_options


@command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@as_json
@state_options
def backup(target: Target, file: Path | None, as_json: bool) -> None:
    """Copy the state to FILE, also while the host runs, which goes on meanwhile.

    The copy is one file, of one moment, looked through, and readable by you alone. Default: a file named with the time in
    the folder backups of the state's folder. To go back to it: stop the host, move state.db, state.db-wal and state.db-shm
    away, and put the copy in their place as state.db.

    \b
    Examples:
      embedded-host backup
      embedded-host backup /mnt/backups/shop-monday.db --script-root shop
    """
    from embedded_host.store.backup import back_up, default_target

    path = target.state_path()
    file = Path(os.path.abspath(file or default_target(path)))  # noqa: PTH100 - resolve() would follow links
    with _opened(path) as connection:
        back_up(connection, file)
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        (count,) = copy.execute("SELECT count(*) FROM instances").fetchone()
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "state": str(path), "instances": count, "bytes": size})
    else:
        things = "1 instance or entity" if count == 1 else f"{count} instances and entities"
        click.echo(f"Copied {things} ({size / 1e6:.1f} MB) to {file}.")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """To be read from. Without a host its folder is left as it is. Raises StateError."""
    from embedded_host.store.error_messages import in_words
    from embedded_host.store.integrity_check import check_log
    from embedded_host.store.interface import StateError
    from embedded_host.store.lock import StateLock
    from embedded_host.store.migration import refuse_newer, version_of
    from embedded_host.store.read_only import readable

    def connected(where: Path, parameters: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{where.absolute().as_uri()}?{parameters}", uri=True, isolation_level=None, timeout=5)

    lock = StateLock(path.parent)
    try:
        try:
            lock.__enter__()
        except StateError:  # a host has it
            with closing(connected(path, "mode=ro")) as connection:
                refuse_newer(path, version_of(connection))
                yield connection
            return
        try:
            check_log(path)
            with readable(path) as (where, parameters), closing(connected(where, parameters)) as connection:
                refuse_newer(path, version_of(connection))
                yield connection
        finally:
            lock.__exit__(None, None, None)
    except (sqlite3.Error, UnicodeError) as error:
        raise in_words(path, error, "read") from error
