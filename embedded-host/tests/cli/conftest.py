from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.calling import Called, call
from tests.cli.states import write_state
from tests.support.features_app import features_app
from tests.support.functions_host_double import FunctionsHostDouble
from tests.support.running_host import RunningHost

Ask = Callable[..., Called]


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """One host for all tests of a pytest process."""
    folder = tmp_path_factory.mktemp("cli")
    with RunningHost(features_app(folder / "app").root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def ask(host: RunningHost) -> Ask:
    """Calls a command that is to talk to the host, and to say so."""

    def asked(*arguments: object, stdin: str = "") -> Called:
        called = call(*arguments, "--url", host.base, stdin=stdin)
        if called.code != 2:
            assert called.err.startswith(f"Host: {host.base}\n"), called
        return called

    return asked


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of a state file that no host has."""
    return write_state(tmp_path / "state")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBEDDED_HOST_CODE", raising=False)


@pytest.fixture
def real() -> Iterator[FunctionsHostDouble]:
    """Yield a host that plays back recorded responses, and fails the test for unexpected requests."""
    host = FunctionsHostDouble()
    yield host
    host.close()
    assert host.unexpected == []
