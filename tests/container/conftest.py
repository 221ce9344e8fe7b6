"""Fixtures of the container tests.

They need a Docker engine, which the variable ``CONTAINER_TESTS`` selects:

- ``stand-ins``: an engine that the tests start, with stand-ins for the base images. `.ci/run` uses
  it, as root on Debian.
- ``real``: the engine of the machine, with the images of the registries. The container job of
  .github/workflows/tests.yml uses it.

Without the variable, the tests are skipped.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.compose import Compose
from tests.container.engine import Engine, fastest_folder
from tests.container.stand_ins import make_stand_ins, unavailable

HOW = os.environ.get("CONTAINER_TESTS", "")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if HOW not in ("stand-ins", "real"):
        pytest.skip(
            "the containers are tested where CONTAINER_TESTS is set: by .ci/run, see "
            "embedded-host/docs/how-to/container.md"
        )
    if HOW == "real":
        engine = Engine(tmp_path_factory.mktemp("docker"))
        engine.environment = {"DOCKER_BUILDKIT": "1"}
        yield engine
        return
    if reason := unavailable():
        pytest.fail(f"the containers cannot be tested here: {reason}")
    with tempfile.TemporaryDirectory(
        prefix="docker-", dir=fastest_folder(), ignore_cleanup_errors=True
    ) as folder:
        engine = Engine(Path(folder))
        try:
            engine.install()
            engine.start()
            make_stand_ins(engine)
            yield engine
        finally:
            engine.stop()


@pytest.fixture(scope="session")
def compose(engine: Engine) -> Iterator[Compose]:
    """Yield docker-compose.yml with built images and no running container."""
    compose = Compose(engine)
    compose("build", "app", "embedded")
    yield compose
    compose.remove()
