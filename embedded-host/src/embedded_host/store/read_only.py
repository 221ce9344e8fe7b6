"""Access to a state file without writing to its folder."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from embedded_host.store.connection import connect
from embedded_host.store.error_messages import state_error
from embedded_host.store.files import file_size, log_file
from embedded_host.store.schema import check_schema
from embedded_host.store.state_reader import SqliteReader


@contextmanager
def read_state(path: Path) -> Iterator[SqliteReader]:
    """Open a state file for reading. All reads return data of the same committed state.

    A host may run at the same time.

    Raises StateError if the file cannot be read.
    """
    with open_read_only(path) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield SqliteReader(path, connection)


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a state file of this version of the host, without writing to its folder.

    Raises StateError if the file cannot be read.
    """
    with readable(path) as (file, parameters), _connected(path, file, parameters) as connection:
        yield connection


def open_beside_host(path: Path) -> AbstractContextManager[sqlite3.Connection]:
    """Open the state file of a running host. The file's log and the log's index already exist.

    Raises StateError if the file cannot be read.
    """
    return _connected(path, path, "mode=ro")


@contextmanager
def _connected(path: Path, file: Path, parameters: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connect(file, parameters=parameters)) as connection:
            check_schema(connection, path)
            yield connection
    except (sqlite3.Error, UnicodeError) as error:
        raise state_error(path, error, "read") from error


@contextmanager
def readable(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path to open, and URI parameters that stop SQLite from creating files beside it.

    Without these parameters SQLite would create the log and its index (``-shm``).
    """
    log, index = log_file(path), path.with_name(path.name + "-shm")
    if not file_size(log):
        # The file is complete. Without "immutable" SQLite would leave a log and its index behind.
        yield path, "mode=ro&immutable=1"
    elif index.exists():
        yield path, "mode=ro&readonly_shm=1"
    else:
        # There is a log without its index, for example in a copy of a killed host's folder. SQLite
        # creates the index when it reads the log. It therefore reads a temporary copy.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for file in (path, log):
                shutil.copyfile(file, Path(folder, file.name))
            yield Path(folder, path.name), "mode=ro"
