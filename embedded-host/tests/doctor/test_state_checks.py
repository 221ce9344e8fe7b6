"""Checks of the state folder, the state file and the port."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from embedded_host.doctor.finding import Finding
from embedded_host.doctor.state_checks import check_file, check_folder, check_lock, check_port
from embedded_host.store.files import STATE_FILE
from embedded_host.store.lock import StateLock
from embedded_host.store.sqlite import SqliteStore


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state file that a host has created and closed."""
    folder = tmp_path / ".embedded-host"
    SqliteStore(folder / STATE_FILE).close()
    return folder / STATE_FILE


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_app_without_a_state_has_no_finding_and_gets_no_file(tmp_path: Path) -> None:
    folder = tmp_path / ".embedded-host"
    assert (check_lock(folder), check_folder(folder), check_file(folder / STATE_FILE)) == (
        None,
    ) * 3
    assert not folder.exists()


def test_an_intact_state_has_no_finding_and_is_not_changed(state: Path) -> None:
    before = files(state.parent)
    assert (check_lock(state.parent), check_folder(state.parent), check_file(state)) == (None,) * 3
    assert files(state.parent) == before


def test_the_folder_of_a_running_host_is_a_warning(state: Path) -> None:
    with StateLock(state.parent):
        finding = check_lock(state.parent)
    assert finding is not None
    assert (finding.severity, finding.code) == ("warning", "EH211")
    assert str(os.getpid()) in finding.text


@pytest.mark.parametrize("content", [b"", b"another program's file" * 100])
def test_a_file_that_cannot_be_used_is_an_error(state: Path, content: bytes) -> None:
    state.write_bytes(content)
    finding = check_file(state)
    assert finding is not None
    assert (finding.severity, finding.code) == ("error", "EH222" if not content else "EH220")


def test_a_damaged_page_is_an_error(state: Path) -> None:
    damaged = bytearray(state.read_bytes())
    damaged[4096:8192] = b"\xff" * 4096
    state.write_bytes(damaged)
    finding = check_file(state)
    assert finding is not None
    assert (finding.severity, finding.code) == ("error", "EH220")


def test_a_missing_permission_is_an_error(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The super-user may write to every file, so the result of the system call is replaced.
    for path in (state.parent, state):
        monkeypatch.setattr(os, "access", lambda candidate, _, path=path: candidate != path)
        finding = check_folder(state.parent)
        assert finding is not None
        assert (finding.severity, finding.code) == ("error", "EH210")
        assert f"{path} is not writable" in finding.text


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    finding = check_folder(tmp_path / "file")
    assert finding is not None
    assert (finding.severity, finding.code) == ("error", "EH210")


def port_findings(port: int, address: str = "127.0.0.1", running: bool = False) -> list[Finding]:
    return list(check_port(address, port, host_is_running=running))


def test_a_port_in_use_is_an_error_or_the_port_of_the_running_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (finding,) = port_findings(port)
        assert (finding.severity, finding.code) == ("error", "EH201")
        (finding,) = port_findings(port, running=True)
        assert (finding.severity, finding.code) == ("warning", "EH201")
    assert port_findings(port) == []


def test_an_address_of_another_machine_is_an_error() -> None:
    findings = port_findings(7071, "192.0.2.1")
    assert [(finding.severity, finding.code, finding.file) for finding in findings] == [
        ("error", "EH206", "local.settings.json"),
        ("error", "EH202", "local.settings.json"),
    ]


def test_an_address_that_other_machines_reach_needs_an_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (finding,) = port_findings(port, "0.0.0.0")
    assert (finding.severity, finding.code) == ("error", "EH206")
    assert port_findings(port, "localhost") == []
