"""Where the host that has a state listens, so that keys are sent to nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from embedded_host.access_keys.running_host import port_of_running_host, publish_port
from embedded_host.store.lock import StateLock


def test_a_running_host_is_found_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    assert port_of_running_host(tmp_path) is None
    with StateLock(tmp_path), publish_port(tmp_path, 7072):
        assert port_of_running_host(tmp_path) == 7072
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "port").stat().st_mode) == 0o600
    assert port_of_running_host(tmp_path) is None
    assert not (tmp_path / "port").exists()


def test_one_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        pass
    (tmp_path / "port").write_text("7072\n")
    assert port_of_running_host(tmp_path) is None
    with StateLock(tmp_path), publish_port(tmp_path, 7073):
        assert port_of_running_host(tmp_path) == 7073


@pytest.mark.parametrize("text", ["", "x", "-1", "ü"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "port").write_text(text, encoding="utf-8")
    with StateLock(tmp_path):
        assert port_of_running_host(tmp_path) is None
