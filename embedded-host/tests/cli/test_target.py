"""The host or state file that a command selects."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    settings = {"IsEncrypted": False, "Values": {}, "Host": {"LocalHttpPort": port}}
    (root / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return root


@pytest.mark.process
def test_the_host_at_the_apps_port_is_the_default(
    host: RunningHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = app(tmp_path / "app", host.port)
    called = call("get-instances", "--script-root", root)
    assert (called.code, called.err.splitlines()[0]) == (0, f"Host: http://localhost:{host.port}")
    monkeypatch.chdir(root)
    assert call("get-instances").err.startswith(f"Host: http://localhost:{host.port}\n")


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
