"""Which host or state file a command finds, and what it says of it."""

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
def nobody() -> Iterator[int]:
    """A port of this machine that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


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


def test_the_state_is_read_if_no_host_responds(tmp_path: Path, nobody: int) -> None:
    root = app(tmp_path / "app", nobody)
    write_state(root / ".embedded-host")
    called = call("get-instances", "--script-root", root)
    file = root / ".embedded-host" / "state.db"
    said = (
        f"State: {file}, task hub TestHub (read-only; no host answers at http://localhost:{nobody})"
    )
    assert (called.code, called.err.splitlines()) == (0, [said])
    assert "Failed" in called.out


def test_neither_a_host_nor_a_state_is_an_error(tmp_path: Path, nobody: int) -> None:
    root = app(tmp_path / "app", nobody)
    called = call("get-instances", "--script-root", root)
    assert called.code == 1
    assert (
        f"No host answers at http://localhost:{nobody}, and there is no state in {root / '.embedded-host'}."
        in called.err
    )
    assert "embedded-host start" in called.err
    assert not (root / ".embedded-host").exists()
    changing = call("terminate", "--id", "x", "--script-root", root)
    assert changing.code == 1
    assert (
        f"No host answers at http://localhost:{nobody}, and this needs a running one."
        in changing.err
    )


def test_a_named_host_that_does_not_respond_is_an_error(nobody: int, state: Path) -> None:
    called = call("get-instances", "--url", f"http://127.0.0.1:{nobody}")
    assert called.code == 1
    assert f"http://127.0.0.1:{nobody} does not answer: " in called.err
    both = call("get-instances", "--url", f"http://127.0.0.1:{nobody}", "--state", state)
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
    assert f"'{'' if '://' in url else 'http://'}{url}' is no URL of a host." in called.err


def test_one_of_several_task_hubs_is_chosen(tmp_path: Path, nobody: int) -> None:
    root = app(tmp_path / "app", nobody, "AppHub")
    one = write_state(tmp_path / "one", instance(1, "a", hub="Other"))
    assert "task hub Other" in call("get-instances", "--script-root", root, "--state", one).err
    two = write_state(
        tmp_path / "two", instance(1, "a", hub="Other"), instance(2, "b", hub="AppHub")
    )
    own = call("get-instances", "--script-root", root, "--state", two, "--json").json
    assert [item["instanceId"] for item in own["instances"]] == ["b"]
    asked = call("get-instances", "--state", two, "--task-hub-name", "other", "--json").json
    assert [item["instanceId"] for item in asked["instances"]] == ["a"]
    which = call("get-instances", "--script-root", tmp_path, "--state", two)
    assert which.code == 1
    assert "holds the task hubs AppHub, Other: choose one with --task-hub-name." in which.err


@pytest.mark.process
def test_another_task_hub_of_a_host_has_no_instances(host: RunningHost) -> None:
    found = call("get-instances", "--url", host.base, "--task-hub-name", "Another", "--json").json
    assert found == {"instances": [], "continuationToken": None}


def test_an_invalid_host_json_is_reported(tmp_path: Path, state: Path) -> None:
    (tmp_path / "host.json").write_text("{", encoding="utf-8")
    called = call("get-instances", "--script-root", tmp_path, "--state", state)
    assert called.code == 1
    assert "host.json:1:1: is not valid JSON" in called.err
