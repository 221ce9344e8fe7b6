from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.calling import Called, call
from tests.cli.states import write_state
from tests.support.features_app import features_app
from tests.support.recorded_host import RecordedHost
from tests.support.running_host import RunningHost

CallHost = Callable[..., Called]


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Run one host for all tests of a pytest process."""
    folder = tmp_path_factory.mktemp("cli")
    with RunningHost(features_app(folder / "app").root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def call_host(host: RunningHost) -> CallHost:
    """Return a function that runs a command with ``--url`` and checks the line with the URL."""

    def call_with_url(*arguments: object, stdin: str = "") -> Called:
        called = call(*arguments, "--url", host.base, stdin=stdin)
        if called.code != 2:
            assert called.err.startswith(f"Host: {host.base}\n"), called
        return called

    return call_with_url


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the folder of a state file that no host uses."""
    return write_state(tmp_path / "state")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the access key and the host from the developer's environment."""
    monkeypatch.delenv("EMBEDDED_HOST_CODE", raising=False)
    monkeypatch.delenv("EMBEDDED_HOST_URL", raising=False)


@pytest.fixture
def recorded_host() -> Iterator[RecordedHost]:
    """Yield a server with recorded responses. An unexpected request fails the test."""
    host = RecordedHost()
    yield host
    host.close()
    assert host.unexpected == []
