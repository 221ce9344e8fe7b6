"""The host or state file that a command selects."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.cli import host_search, target
from tests.cli.calling import call
from tests.cli.states import instance, write_state
from tests.support.running_host import RunningHost


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port that is in use, but on which no program listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def app(root: Path, port: int, hub: str = "TestHub") -> Path:
    root.mkdir(exist_ok=True)
    (root / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"durableTask": {"hubName": hub}}}),
        encoding="utf-8",
    )
    settings = {"IsEncrypted": False, "Values": {}, "Host": {"LocalHttpPort": port} if port else {}}
    (root / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return root


@pytest.fixture
def default_port(host: RunningHost, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the default port, at which the host of another state folder runs."""
    monkeypatch.setattr(host_search, "DEFAULT_PORT", host.port)
    return host.port


@pytest.mark.process
def test_the_host_of_the_app_at_the_default_port_is_the_default(
    host: RunningHost, default_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = call("get-instances", "--script-root", host.root)
    assert (called.code, called.err.splitlines()[0]) == (
        0,
        f"Host: http://localhost:{default_port}",
    )
    monkeypatch.chdir(host.root)
    assert call("get-instances").err.startswith(f"Host: http://localhost:{default_port}\n")


@pytest.mark.process
def test_the_host_of_the_state_folder_is_found(
    host: RunningHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert host.port != host_search.DEFAULT_PORT
    root = app(tmp_path / "app", 0)
    monkeypatch.setattr(target, "STATE_FOLDER", str(host.state))
    called = call("start-new", "--function-name", "Chain", "--script-root", root)
    assert (called.code, called.err.splitlines()[0]) == (0, f"Host: http://localhost:{host.port}")
    monkeypatch.undo()
    called = call("start-new", "--function-name", "Chain", "--state", host.state)
    assert (called.code, called.err.splitlines()[0]) == (0, f"Host: http://localhost:{host.port}")


@pytest.mark.process
def test_a_variable_selects_the_host(
    host: RunningHost, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDED_HOST_URL", host.base)
    called = call("get-instances")
    assert (called.code, called.err.splitlines()[0]) == (
        0,
        f"Host: {host.base} (EMBEDDED_HOST_URL)",
    )
    assert call("get-instances", "--url", host.base).err.startswith(f"Host: {host.base}\n")
    assert call("get-instances", "--state", state).err.startswith("State: ")


@pytest.mark.process
def test_the_host_of_another_app_is_not_used(
    host: RunningHost, tmp_path: Path, default_port: int
) -> None:
    root = app(tmp_path / "app", 0)
    reason = f"the host at http://localhost:{default_port} runs another app, {host.root}"
    refused = call("start-new", "--function-name", "Chain", "--script-root", root)
    assert refused.code == 1
    assert f"requires a running host of the app in {root}, but {reason}." in refused.err
    write_state(root / ".embedded-host")
    read = call("get-instances", "--script-root", root)
    assert read.err.startswith("State: ")
    assert read.err.splitlines()[0].endswith(f"(read-only; {reason})")
    anywhere = call("get-instances", "--script-root", tmp_path)
    assert anywhere.err.startswith(f"Host: http://localhost:{default_port} (app {host.root})\n")


def test_the_state_is_read_if_no_host_responds(tmp_path: Path, silent_port: int) -> None:
    root = app(tmp_path / "app", silent_port)
    write_state(root / ".embedded-host")
    called = call("get-instances", "--script-root", root)
    file = root / ".embedded-host" / "state.db"
    source = f"State: {file}, task hub TestHub (read-only; no host responds at http://localhost:{silent_port})"
    assert (called.code, called.err.splitlines()) == (0, [source])
    assert "Failed" in called.out


def test_neither_a_host_nor_a_state_is_an_error(tmp_path: Path, silent_port: int) -> None:
    root = app(tmp_path / "app", silent_port)
    called = call("get-instances", "--script-root", root)
    assert called.code == 1
    assert (
        f"No host responds at http://localhost:{silent_port}. "
        f"There is no state file in {root / '.embedded-host'}." in called.err
    )
    assert "embedded-host start" in called.err
    assert not (root / ".embedded-host").exists()
    changing = call("terminate", "--id", "x", "--script-root", root)
    assert changing.code == 1
    assert (
        "This command requires a running host, but no host responds at "
        f"http://localhost:{silent_port}." in changing.err
    )


def test_a_named_host_that_does_not_respond_is_an_error(silent_port: int, state: Path) -> None:
    called = call("get-instances", "--url", f"http://127.0.0.1:{silent_port}")
    assert called.code == 1
    assert f"http://127.0.0.1:{silent_port} does not respond: " in called.err
    both = call("get-instances", "--url", f"http://127.0.0.1:{silent_port}", "--state", state)
    assert both.code == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "ftp://x",
        "http://local host",
        "http://localhost:x",
        "localhost:99999",
        "http://[::1",
        "http://user:secret@localhost:1",
    ],
)
def test_an_invalid_url_is_refused(url: str) -> None:
    called = call("get-instances", "--url", url)
    assert called.code == 2
    assert f"'{'' if '://' in url else 'http://'}{url}' is not a valid URL." in called.err


def test_the_task_hub_of_the_app_is_the_default(tmp_path: Path, silent_port: int) -> None:
    root = app(tmp_path / "app", silent_port, "AppHub")
    one = write_state(tmp_path / "one", instance(1, "a", hub="Other"))
    assert "task hub Other" in call("get-instances", "--script-root", root, "--state", one).err
    two = write_state(
        tmp_path / "two", instance(1, "a", hub="Other"), instance(2, "b", hub="AppHub")
    )
    own = call("get-instances", "--script-root", root, "--state", two, "--json").json
    assert [item["instanceId"] for item in own["instances"]] == ["b"]
    other = call("get-instances", "--state", two, "--task-hub-name", "other", "--json").json
    assert [item["instanceId"] for item in other["instances"]] == ["a"]
    ambiguous = call("get-instances", "--script-root", tmp_path, "--state", two)
    assert ambiguous.code == 1
    assert "contains the task hubs AppHub, Other: select one with" in ambiguous.err


@pytest.mark.process
def test_another_task_hub_of_a_host_has_no_instances(host: RunningHost) -> None:
    page = call("get-instances", "--url", host.base, "--task-hub-name", "Another", "--json").json
    assert page == {"instances": [], "continuationToken": None}


def test_an_invalid_host_json_is_reported(tmp_path: Path, state: Path) -> None:
    (tmp_path / "host.json").write_text("{", encoding="utf-8")
    called = call("get-instances", "--script-root", tmp_path, "--state", state)
    assert called.code == 1
    assert "host.json:1:1: The file is not valid JSON" in called.err
