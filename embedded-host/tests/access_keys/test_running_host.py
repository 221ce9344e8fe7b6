"""The address file, with which commands find the host of a state folder."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.access_keys.running_host import (
    is_same_address,
    printed_url,
    publish_address,
    url_of,
    url_of_running_host,
)
from embedded_host.store.lock import StateLock


@pytest.fixture
def url() -> Iterator[str]:
    """Yield the URL of a program that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield url_of("127.0.0.1", server.getsockname()[1])


def test_the_address_is_known_only_while_the_host_runs(tmp_path: Path, url: str) -> None:
    assert url_of_running_host(tmp_path) is None
    with StateLock(tmp_path), publish_address(tmp_path, url):
        assert url_of_running_host(tmp_path) == url
        if os.name == "posix":
            assert stat.S_IMODE((tmp_path / "address").stat().st_mode) == 0o600
    assert url_of_running_host(tmp_path) is None
    assert not (tmp_path / "address").exists()


def test_the_address_of_a_killed_host_is_ignored(tmp_path: Path, url: str) -> None:
    with StateLock(tmp_path):
        pass
    before = (tmp_path / "lock").read_bytes()
    (tmp_path / "address").write_text(f"{url}\n", encoding="utf-8")
    assert url_of_running_host(tmp_path) is None, "another program listens at the address"
    assert (tmp_path / "lock").read_bytes() == before
    with StateLock(tmp_path), publish_address(tmp_path, url):
        assert url_of_running_host(tmp_path) == url


def test_an_address_where_no_program_listens_is_ignored(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        silent = url_of("127.0.0.1", bound.getsockname()[1])
        with StateLock(tmp_path), publish_address(tmp_path, silent):
            assert url_of_running_host(tmp_path) is None


@pytest.mark.parametrize("content", ["", "x", "7071", "http://", "http://a:b", "ftp://a:1", "ü"])
def test_an_invalid_file_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "address").write_text(content, encoding="utf-8")
    with StateLock(tmp_path):
        assert url_of_running_host(tmp_path) is None


@pytest.mark.skipif(os.name != "posix", reason="Windows has no user ids")
def test_a_file_of_another_user_is_ignored(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StateLock(tmp_path), publish_address(tmp_path, url):
        monkeypatch.setattr(os, "geteuid", lambda: -1)
        assert url_of_running_host(tmp_path) == url, "the owner of the folder has written it"
        other = os.stat_result((0o100600, *[54321] * 9))
        monkeypatch.setattr(Path, "lstat", lambda self: other)
        assert url_of_running_host(tmp_path) is None


@pytest.mark.parametrize(
    ("address", "url", "printed"),
    [
        ("127.0.0.1", "http://127.0.0.1:7072", "http://localhost:7072"),
        ("0.0.0.0", "http://127.0.0.1:7072", "http://localhost:7072"),
        ("::", "http://[::1]:7072", "http://localhost:7072"),
        ("localhost", "http://127.0.0.1:7072", "http://localhost:7072"),
        ("10.0.0.7", "http://10.0.0.7:7072", "http://10.0.0.7:7072"),
    ],
)
def test_the_url_reaches_the_address_of_the_host(address: str, url: str, printed: str) -> None:
    assert (url_of(address, 7072), printed_url(url_of(address, 7072))) == (url, printed)


def test_the_names_of_this_machine_are_one_address() -> None:
    assert is_same_address("localhost:7072", "http://127.0.0.1:7072")
    assert is_same_address("http://[::1]:7072/path", "http://127.0.0.1:7072")
    assert not is_same_address("http://localhost:7073", "http://127.0.0.1:7072")
    assert not is_same_address("http://example.com:7072", "http://127.0.0.1:7072")
