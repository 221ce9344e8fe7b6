"""The command ``keys``."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from embedded_host.access_keys.key_file import DEFAULT, DURABLE, HOST, KeyFile, Scope
from embedded_host.access_keys.running_host import publish_address, url_of
from embedded_host.store.lock import StateLock
from tests.cli.calling import call


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    file = KeyFile(tmp_path / ".embedded-host")
    file.begin()
    return file


def keys(command: str, file: KeyFile, *arguments: str) -> object:
    called = call("keys", command, "--script-root", file.path.parent.parent, *arguments)
    assert called.code == 0, called
    return called.json if "--json" in arguments else called.out


def test_keys_are_listed(file: KeyFile) -> None:
    value, _ = file.put(Scope("function", "start"), "partner")
    stored = file.keys()
    assert keys("list", file, "--json") == [
        {"name": "_master", "opens": "everything", "value": stored.master},
        {"name": DEFAULT, "opens": "all functions", "value": stored.host[DEFAULT]},
        {
            "name": DURABLE,
            "opens": "the durable management API and the dashboard",
            "value": stored.system[DURABLE],
        },
        {"name": "partner", "opens": "function start", "value": value},
    ]
    output = str(keys("list", file))
    assert value in output
    assert "Dashboard" not in output


def test_the_list_has_a_link_to_the_dashboard_of_a_running_host(file: KeyFile) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        StateLock(file.path.parent),
        publish_address(file.path.parent, url_of("127.0.0.1", server.getsockname()[1])),
    ):
        link = f"http://localhost:{server.getsockname()[1]}/dashboard#code={file.keys().system[DURABLE]}"
        assert f"Dashboard: {link}" in str(keys("list", file))


def test_the_option_state_selects_the_state_folder(file: KeyFile) -> None:
    called = call("keys", "list", "--state", file.path.parent)
    assert file.keys().master in called.out


def test_a_state_folder_without_keys_is_reported(tmp_path: Path) -> None:
    called = call("keys", "list", "--script-root", tmp_path)
    assert called.code == 1
    assert "To create keys, run embedded-host start --auth." in called.err


def test_a_key_is_created_and_rotated(file: KeyFile) -> None:
    output = keys("create", file, "--name", "partner")
    assert output == f"Created the key 'partner'.\n{file.keys().host['partner']}\n"
    output = keys("create", file, "--name", "partner", "--value", "chosen")
    assert output == "Rotated the key 'partner'.\n", "only a generated value is printed"
    assert file.keys().host["partner"] == "chosen"
    before = file.keys().master
    keys("create", file, "--name", "_master")
    assert file.keys().master != before
    keys("create", file, "--name", "x", "--function", "Start")
    keys("create", file, "--name", "y", "--system")
    assert list(file.keys().functions["start"]) == ["x"]
    assert "y" in file.keys().system


def test_the_option_url_is_refused() -> None:
    called = call("keys", "list", "--url", "https://my-app.azurewebsites.net")
    assert called.code == 2
    assert "Omit --url and --code, and select the folder with --state. [EH550]\n" in called.err


def test_a_key_can_be_created_before_the_first_start_of_the_host(tmp_path: Path) -> None:
    called = call("keys", "create", "--name", "partner", "--script-root", tmp_path)
    assert called.code == 0
    assert "partner" in KeyFile(tmp_path / ".embedded-host").begin().host


def test_a_key_is_revoked(file: KeyFile) -> None:
    file.put(HOST, "partner")
    file.put(Scope("function", "start"), "partner")
    keys("revoke", file, "--name", "partner")
    assert list(file.keys().host) == [DEFAULT]
    assert list(file.keys().functions["start"]) == ["partner"]
    second = call("keys", "revoke", "--name", "partner", "--script-root", file.path.parent.parent)
    assert second.code == 3
    assert "There is no key 'partner' for all functions" in second.err
    keys("revoke", file, "--name", "partner", "--function", "START")
    assert file.keys().functions["start"] == {}


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--name", "_master"], "embedded-host keys create --name _master."),
        (["--name", DURABLE, "--system"], f"embedded-host keys create --name {DURABLE} --system."),
    ],
)
def test_required_keys_are_not_revoked(file: KeyFile, arguments: list[str], fix: str) -> None:
    before = file.keys()
    called = call("keys", "revoke", *arguments, "--script-root", file.path.parent.parent)
    assert called.code == 1
    assert fix in called.err.replace("\n", " ")
    assert file.keys() == before


def test_contradictory_arguments_are_refused(file: KeyFile) -> None:
    for arguments in (
        ["--name", "x", "--system", "--function", "f"],
        ["--name", " "],
        ["--name", "x", "--value", ""],
    ):
        called = call("keys", "create", *arguments, "--script-root", file.path.parent.parent)
        assert called.code == 2, called
    assert list(file.keys().system) == [DURABLE]
