"""A state that cannot be opened is rejected with an explanation and is not changed."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded_host.store.backup import back_up
from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock
from embedded_host.store.sqlite import SqliteStore
from tests.store.contract_tests import EVERYTHING, belongings
from tests.support.damaged_file import overwrite_root

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no POSIX modes")


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@posix
def test_only_the_owner_can_access_created_files_with_any_umask(
    tmp_path: Path, open_umask: None
) -> None:
    folder = tmp_path / "new" / "state"
    with StateLock(folder), closing(SqliteStore(folder / "state.db")) as store:
        store.write(EVERYTHING)
        back_up(store._reader, folder / "backups" / "copy.db")
        modes = {
            file.relative_to(folder).as_posix(): stat.S_IMODE(file.stat().st_mode)
            for file in [folder, *folder.rglob("*")]
        }
    files = ["lock", "state.db", "state.db-wal", "state.db-shm", "backups/copy.db"]
    assert modes == {".": 0o700, "backups": 0o700, **dict.fromkeys(files, 0o600)}


@posix
def test_permissions_of_other_users_are_removed_when_a_file_is_opened(path: Path) -> None:
    path.chmod(0o666)
    SqliteStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_is_reported_as_lost_content(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(StateError) as caught:
        SqliteStore(path)
    message = str(caught.value)
    assert f"{path} is empty: its content is lost" in message
    assert f"embedded-host recover --state {path.parent}" in message
    assert path.read_bytes() == b""


def test_a_log_without_its_state_file_is_reported_and_kept(path: Path) -> None:
    log = path.with_name("state.db-wal")
    path.unlink()
    log.write_bytes(b"x" * 5000)
    with pytest.raises(
        StateError, match=r"state\.db is missing, but its log .*state\.db-wal exists"
    ):
        SqliteStore(path)
    assert not path.exists()
    assert log.read_bytes() == b"x" * 5000


def test_a_state_file_is_never_partly_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(connection: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "state.db"
    with monkeypatch.context() as patched:
        patched.setattr("embedded_host.store.state_file.create_schema", interrupted)
        with pytest.raises(KeyboardInterrupt):
            SqliteStore(path)
    assert not path.exists()
    with closing(SqliteStore(path)) as store:
        store.write(EVERYTHING)
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


def test_the_error_for_a_truncated_file_names_the_recovery_and_the_backups(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    backup = path.parent / "backups" / "state-1.db"
    backup.parent.mkdir()
    backup.write_bytes(data)
    backup.with_name("state-2.db.partial").write_bytes(b"of a backup that was killed")
    with pytest.raises(StateError) as caught:
        SqliteStore(path)
    message = str(caught.value)
    assert f"The state file {path} is damaged: database disk image is malformed." in message
    assert f"embedded-host recover --state {path.parent}" in message
    assert f"The latest backups: {backup}." in message
    assert path.read_bytes() == data[: len(data) // 2]


def test_a_state_with_an_interrupted_recovery_is_rejected(path: Path) -> None:
    path.with_name("state.db.recovered").write_bytes(b"")
    with pytest.raises(StateError, match="embedded-host recover"):
        SqliteStore(path)


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="the superuser has every permission"
)
def test_a_file_without_write_permission_is_reported(path: Path) -> None:
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StateError, match=r"Check its permissions"):
            SqliteStore(path)
    finally:
        path.parent.chmod(0o700)


def test_commits_use_the_full_fsync_of_macos(path: Path) -> None:
    for fsync, expected in ((True, 1), (False, 0)):
        with closing(SqliteStore(path, fsync=fsync)) as store:
            for pragma in ("fullfsync", "checkpoint_fullfsync"):
                assert store._writer.execute(f"PRAGMA {pragma}").fetchone() == (expected,)


# -- at run time -----------------------------------------------------------------------------------


def test_a_damaged_page_is_reported_when_it_is_read(path: Path) -> None:
    overwrite_root(path, "history")
    with closing(SqliteStore(path)) as store:
        assert store.instance("Hub", "a") is not None
        for read in (lambda: store.history(1), lambda: belongings(store)):
            with pytest.raises(StateError, match=r"is damaged: .*malformed.*embedded-host recover"):
                read()


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        (
            "UPDATE instances SET created = 9223372036854775807",
            lambda store: store.instance("Hub", "a"),
        ),
        ("UPDATE instances SET parent = '{'", lambda store: store.instance("Hub", "a")),
        (
            "UPDATE instances SET name = CAST(x'ff' AS TEXT)",
            lambda store: store.instance("Hub", "a"),
        ),
        ("UPDATE messages SET event = x'ff'", lambda store: store.messages(1)),
        ("UPDATE messages SET event = 'no json'", lambda store: list(store.all_messages())),
        ("UPDATE history SET events = x'ff'", lambda store: store.history(1)),
        ("UPDATE history SET events = '[{}]'", lambda store: store.history(1)),
        ("UPDATE messages SET due = 4611686018427387904", lambda store: list(store.all_messages())),
    ],
)
def test_an_invalid_row_is_reported(
    path: Path, statement: str, read: Callable[[SqliteStore], object]
) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    with (
        closing(SqliteStore(path)) as store,
        pytest.raises(StateError, match=r"is damaged.*embedded-host recover"),
    ):
        read(store)


def test_a_failing_disk_is_reported(path: Path) -> None:
    class Failing:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    with closing(SqliteStore(path)) as store:
        reader, store._reader = store._reader, Failing()  # type: ignore[assignment]
        with pytest.raises(
            StateError, match=r"cannot be read: disk I/O error\. The disk.*embedded-host recover"
        ):
            store.instance("Hub", "a")
        store._reader = reader
