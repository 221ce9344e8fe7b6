"""The lock of a state folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock, is_locked

HOLDER = """
import os, sys
from pathlib import Path
from embedded_host.store.lock import StateLock
with StateLock(Path(sys.argv[1])):
    print("held by", os.getpid(), flush=True)
    sys.stdin.read()
"""


class Holder(NamedTuple):
    process: subprocess.Popen[str]
    pid: int
    """Id of the Python process. On Windows ``process`` is the launcher that started it."""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("held by ")
    with process:
        yield Holder(process, int(line.split()[-1]))
        process.kill()


@pytest.mark.process
def test_a_second_process_gets_an_error_with_the_process_id_of_the_holder(
    tmp_path: Path, holder: Holder
) -> None:
    with pytest.raises(StateError) as caught, StateLock(tmp_path):
        pass
    assert str(tmp_path) in str(caught.value)
    assert f"the host with process id {holder.pid}" in str(caught.value)
    assert "--state" in str(caught.value)


@pytest.mark.process
def test_a_failed_attempt_does_not_release_the_lock_of_the_holder(
    tmp_path: Path, holder: Holder
) -> None:
    for _ in range(2):
        with pytest.raises(StateError, match=f"process id {holder.pid}"), StateLock(tmp_path):
            pass


@pytest.mark.process
@pytest.mark.parametrize("end", ["kill", "close"])
def test_the_end_of_the_process_releases_the_lock(tmp_path: Path, holder: Holder, end: str) -> None:
    assert holder.process.stdin is not None
    if end == "kill":
        psutil.Process(holder.pid).kill()
    else:
        holder.process.stdin.close()
    holder.process.wait(30)
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_leaving_the_context_releases_the_lock(tmp_path: Path) -> None:
    for _ in range(2):
        with StateLock(tmp_path):
            pass


def test_a_second_lock_in_the_same_process_is_rejected(tmp_path: Path) -> None:
    with (
        StateLock(tmp_path),
        pytest.raises(StateError, match=f"process id {os.getpid()}"),
        StateLock(tmp_path),
    ):
        pass


def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(file: object) -> bool:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("embedded_host.store.lock._lock", no_locks)
    with (
        pytest.raises(
            StateError,
            match=r"cannot be locked: .*Operation not supported.*network folders.*--state",
        ),
        StateLock(tmp_path),
    ):
        pass


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    with StateLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / "lock").exists()


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StateError, match=r"cannot be used: .*Use another folder with --state\."),
        StateLock(tmp_path / "file"),
    ):
        pass


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_room)
        with pytest.raises(StateError, match="No space left on device"), StateLock(tmp_path):
            pass
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text(encoding="utf-8") == f"{os.getpid()}\n"


def test_a_lock_is_tested_without_a_change_of_the_folder(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert not [*tmp_path.iterdir()]
    with StateLock(tmp_path):
        assert is_locked(tmp_path)
    before = (tmp_path / "lock").read_bytes()
    assert not is_locked(tmp_path)
    assert (tmp_path / "lock").read_bytes() == before
