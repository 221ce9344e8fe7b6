from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.app_python import app_python
from tests.support.features_app import features_app
from tests.support.running_host import RunningHost
from tests.support.sdk2_features import sdk2_features_app

StartHost = Callable[..., RunningHost]


@pytest.fixture(scope="session", params=["workers", "in-process"])
def features(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHost]:
    """Yield one host for all tests of the pytest process. Its app uses all durable features."""
    if request.param == "in-process" and app_python():
        pytest.skip("the host's interpreter runs the app, not that of --app-python")
    folder = tmp_path_factory.mktemp("features")
    arguments = ["--in-process"] if request.param == "in-process" else []
    with RunningHost(features_app(folder / "app").root, folder / "state", *arguments) as host:
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture(scope="session")
def features_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the app of ``features2`` stores files."""
    return tmp_path_factory.mktemp("features2")


@pytest.fixture(scope="session")
def features2(features_folder: Path) -> Iterator[RunningHost]:
    """Yield one host for all tests of the pytest process. Its app uses SDK 2.x."""
    app, state = sdk2_features_app(features_folder / "app"), features_folder / "state"
    with RunningHost(app.root, state, FEATURES_FOLDER=str(features_folder)) as host:
        yield host
        assert host.stop() == 0, host.log


@pytest.fixture
def start_host(tmp_path: Path) -> Iterator[StartHost]:
    """Yield a function that starts hosts, and stop the hosts after the test.

    Example: ``start_host(app.root, "--in-process", state=..., port=..., NAME=value)``.
    """
    hosts: list[RunningHost] = []

    def start(
        root: Path,
        *arguments: str,
        state: Path | None = None,
        port: int = 0,
        importing: Path | None = None,
        **environ: str,
    ) -> RunningHost:
        host = RunningHost(
            root,
            state or tmp_path / "state",
            *arguments,
            port=port,
            python=None,
            importing=importing,
            cwd=None,
            **environ,
        )
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.kill()
