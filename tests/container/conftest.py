"""The containers, with a real Docker engine. They run one after the other, and only where ``CONTAINER_TESTS`` says how:

- ``stand-ins``: with an engine of their own and stand-in base images (.ci/run, as root on Debian);
- ``real``: with this machine's engine and the images of the registries (the container job of .github/workflows/tests.yml).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.container.compose import Compose
from tests.container.engine import Engine
from tests.container.stand_ins import make_stand_ins, unavailable

HOW = os.environ.get("CONTAINER_TESTS", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("container"))
            item.add_marker(pytest.mark.timeout(1200))  # the first one makes the images


def fastest_folder() -> str | None:
    """Memory, where there is plenty: the images are very many small files, which a disk takes minutes to remove again."""
    memory = Path("/dev/shm")
    plenty = memory.is_dir() and min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) > 8 * 2**30
    return str(memory) if plenty else None


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if HOW not in ("stand-ins", "real"):
        pytest.skip("the containers are tested where CONTAINER_TESTS is set: by .ci/run, see docs/container.md")
    if HOW == "real":
        engine = Engine(tmp_path_factory.mktemp("docker"))
        engine.environment = {"DOCKER_BUILDKIT": "1"}
        yield engine
        return
    if reason := unavailable():
        pytest.skip(f"the containers are not tested: {reason}")
    with tempfile.TemporaryDirectory(prefix="docker-", dir=fastest_folder(), ignore_cleanup_errors=True) as folder:
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
    """docker-compose.yml as it is, with the app's image built and nothing running."""
    compose = Compose(engine)
    compose("build", "app", "embedded")
    yield compose
    compose.remove()
