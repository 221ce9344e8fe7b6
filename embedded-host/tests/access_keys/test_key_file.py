"""The key file: its content, its permissions, and concurrent changes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from embedded_host.access_keys import key_file
from embedded_host.access_keys.key_file import (
    DEFAULT,
    DURABLE,
    HOST,
    MASTER,
    SYSTEM,
    KeyFile,
    Scope,
    dashboard_link,
)
from embedded_host.store.interface import StateError
from embedded_host.store.lock import exclusive_lock
from tests.support.running_host import environment

MINE = Scope("function", "mine")


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "state")


def test_a_new_key_file_has_three_keys_and_keeps_them(file: KeyFile) -> None:
    keys = file.begin()
    assert (list(keys.host), list(keys.system), keys.functions) == ([DEFAULT], [DURABLE], {})
    values = {keys.master, keys.host[DEFAULT], keys.system[DURABLE]}
    assert len(values) == 3
    assert all(len(value) >= 54 for value in values)  # 320 bits
    before = file.path.read_bytes()
    assert KeyFile(file.path.parent).begin() == keys
    assert file.path.read_bytes() == before


def test_a_new_key_does_not_start_with_a_hyphen(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter(["-first", "-second", "third"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: next(values))
    assert key_file._new_value() == "third"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_only_the_owner_can_access_the_key_file(file: KeyFile) -> None:
    old = os.umask(0)
    try:
        file.begin()
        file.put(HOST, "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.path.chmod(0o644)  # as after a copy
    file.begin()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_keys_are_created_changed_and_deleted(file: KeyFile) -> None:
    first = file.begin()
    for scope in (HOST, SYSTEM, MINE):
        value, is_new = file.put(scope, "Partner")
        assert is_new
        assert file.put(scope, "partner", "chosen") == ("chosen", False)
        assert file.keys().of(scope) == {**first.of(scope), "Partner": "chosen"}
        assert value != "chosen"
        assert file.put(scope, "partner", only_new=True) == ("chosen", False)
        assert file.remove(scope, "PARTNER")
        assert not file.remove(scope, "partner")
    assert file.keys() == replace(first, functions={"mine": {}})


def test_a_deleted_key_is_not_created_again(file: KeyFile) -> None:
    file.begin()
    assert file.remove(HOST, DEFAULT)
    file.put(MINE, "x")
    assert file.begin().host == {}


def test_the_name_of_the_master_key_is_reserved_except_for_functions(file: KeyFile) -> None:
    assert file.put(HOST, MASTER, "one") == ("one", False)
    assert file.put(SYSTEM, "_Master", "two") == ("two", False)
    assert file.keys().master == "two"
    file.put(MINE, MASTER, "three")
    assert (file.keys().master, file.keys().of(MINE)) == ("two", {MASTER: "three"})


def test_a_function_gets_its_key_on_the_first_request_for_it(file: KeyFile) -> None:
    file.begin()
    first = file.of_function("Mine")
    assert list(first) == [DEFAULT]
    assert file.of_function("MINE") == first
    assert file.keys().functions == {"mine": first}


def test_a_change_is_visible_to_other_processes_at_once(file: KeyFile) -> None:
    file.begin()
    other = KeyFile(file.path.parent)
    for number in range(5):
        value, _ = file.put(HOST, DEFAULT)
        assert other.keys().host[DEFAULT] == value, number


def test_without_a_file_there_are_no_keys(file: KeyFile) -> None:
    assert not file.exists
    assert file.keys() == key_file.AccessKeys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version": 2}',
        '{"version": 2, "master": "m", "host": {}, "system": {}, "functions": {}}',
        '{"version": 1, "master": "", "host": {}, "system": {}, "functions": {}}',
        '{"version": 1, "master": "m", "host": {"a": 1}, "system": {}, "functions": {}}',
    ],
)
def test_an_unreadable_file_is_reported_and_kept(file: KeyFile, text: str) -> None:
    file.begin()
    file.path.write_text(text, encoding="utf-8")
    for use in (file.keys, file.begin, lambda: file.put(HOST, "x")):
        with pytest.raises(
            StateError,
            match=r"keys\.json cannot be read: .*or delete it: the host then creates new keys",
        ):
            use()
    assert file.path.read_text(encoding="utf-8") == text
    assert {path.name for path in file.path.parent.iterdir()} == {"keys.json", "keys.lock"}


def test_a_folder_without_write_permission_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateError, match="cannot be written"):
        KeyFile(tmp_path / "state").begin()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_does_not_damage_the_key_file(file: KeyFile) -> None:
    import resource

    before = file.begin()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.path.stat().st_size // 2, hard))
    try:
        with pytest.raises(StateError, match="cannot be written"):
            file.put(HOST, "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert KeyFile(file.path.parent).keys() == before
    assert {path.name for path in file.path.parent.iterdir()} == {"keys.json", "keys.lock"}


@pytest.mark.process
def test_the_lock_of_a_killed_process_is_released(file: KeyFile) -> None:
    file.begin()
    code = (
        "import sys; from pathlib import Path\n"
        "from embedded_host.access_keys.key_file import KeyFile\n"
        "with KeyFile(Path(sys.argv[1]))._changing():\n"
        "    Path(sys.argv[1], 'keys.json.new').write_text('half')\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(file.path.parent)]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        other.kill()
    file.put(HOST, "x", "value")
    assert file.keys().host["x"] == "value"


def test_a_lock_that_is_not_released_is_reported(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "LOCK_TIMEOUT", 0.05)
    before = file.begin()
    with (
        exclusive_lock(file.path.with_name(key_file.LOCK_FILE), 0),
        pytest.raises(
            StateError, match=r"cannot be written: another process has locked .*keys\.lock"
        ),
    ):
        file.put(HOST, "x")
    assert file.keys() == before


def test_threads_change_the_keys_one_at_a_time(file: KeyFile) -> None:
    file.begin()
    inside = 0
    overlaps: list[int] = []

    def change(name: str) -> None:
        nonlocal inside
        other = KeyFile(file.path.parent)
        with other._changing() as write:
            inside += 1
            overlaps.append(inside)
            now = other.keys()
            write(now.with_values(HOST, {**now.host, name: "value"}))
            inside -= 1

    names = [f"thread-{number}" for number in range(8)]
    threads = [threading.Thread(target=change, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert overlaps == [1] * 8
    assert file.keys().host.keys() >= set(names)


@pytest.mark.process
def test_no_change_is_lost_between_processes(file: KeyFile) -> None:
    file.begin()
    code = (
        "import sys; from pathlib import Path\n"
        "from embedded_host.access_keys.key_file import HOST, KeyFile\n"
        "file = KeyFile(Path(sys.argv[1]))\n"
        "for number in range(20): file.put(HOST, f'{sys.argv[2]}-{number}')"
    )
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file.path.parent), str(n)], env=environment()
        )
        for n in range(2)
    ]
    readers = threading.Thread(
        target=lambda: [KeyFile(file.path.parent).keys() for _ in range(200)]
    )
    readers.start()
    for number in range(20):
        file.put(HOST, f"mine-{number}")
    readers.join(30)
    assert [other.wait(60) for other in others] == [0, 0]
    assert len(file.keys().host) == 61
    assert json.loads(file.path.read_text(encoding="utf-8"))["version"] == 1


def test_the_dashboard_link_has_the_key_in_the_fragment() -> None:
    assert (
        dashboard_link("http://localhost:7071/dashboard", "a&b#c")
        == "http://localhost:7071/dashboard#code=a%26b%23c"
    )
