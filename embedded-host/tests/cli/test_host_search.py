"""The search for the running host of an app."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.cli import host_search


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder of an app, without a host."""
    durable = {"durableTask": {"hubName": "ShopHub"}}
    document = {"version": "2.0", "extensions": durable}
    (tmp_path / "host.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_the_host_of_a_container_is_used_if_its_task_hub_is_that_of_the_app(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_search, "responds", lambda url: True)
    served = ("/home/site/no-such-folder", "shophub")
    monkeypatch.setattr(host_search, "_served_app", lambda *_: (Path(served[0]), served[1]))
    found = host_search.find_host(root, root / ".embedded-host", None)
    assert isinstance(found, host_search.FoundHost)
    assert found.note == f"app {Path(served[0])}, task hub shophub"
    served = (served[0], "OtherHub")
    assert isinstance(
        host_search.find_host(root, root / ".embedded-host", None), host_search.NoHost
    )


def test_a_host_that_does_not_name_its_app_is_used_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_search, "responds", lambda url: True)
    monkeypatch.setattr(host_search, "_served_app", lambda *_: None)
    found = host_search.find_host(root, root / ".embedded-host", None)
    assert found == host_search.FoundHost(
        "http://localhost:7071", "http://127.0.0.1:7071", "its app is unknown"
    )


def test_the_port_of_the_app_is_searched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"IsEncrypted": False, "Values": {}, "Host": {"LocalHttpPort": 7450}}
    (root / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    monkeypatch.setattr(host_search, "responds", lambda url: False)
    found = host_search.find_host(root, root / ".embedded-host", None)
    assert found == host_search.NoHost("no host responds at http://localhost:7450")


def test_the_task_hub_is_that_of_the_app(root: Path, tmp_path: Path) -> None:
    assert host_search.app_hub(root) == "ShopHub"
    assert host_search.app_hub(tmp_path / "none") is None
