"""The port file, because of which keys are sent to the host of the state folder only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from embedded_host.access_keys.running_host import port_of_running_host, publish_port
from embedded_host.store.lock import StateLock


def test_the_port_is_known_only_while_the_host_runs(tmp_path: Path) -> None:
    assert port_of_running_host(tmp_path) is None
    with StateLock(tmp_path), publish_port(tmp_path, 7072):
        assert port_of_running_host(tmp_path) == 7072
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "port").stat().st_mode) == 0o600
    assert port_of_running_host(tmp_path) is None
    assert not (tmp_path / "port").exists()


def test_the_port_file_of_a_killed_host_is_ignored(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        pass
    (tmp_path / "port").write_text("7072\n")
    assert port_of_running_host(tmp_path) is None
    with StateLock(tmp_path), publish_port(tmp_path, 7073):
        assert port_of_running_host(tmp_path) == 7073


@pytest.mark.parametrize("content", ["", "x", "-1", "ü"])
def test_an_invalid_port_file_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "port").write_text(content, encoding="utf-8")
    with StateLock(tmp_path):
        assert port_of_running_host(tmp_path) is None
