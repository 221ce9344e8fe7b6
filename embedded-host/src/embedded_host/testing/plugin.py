"""The pytest plugin: the fixture ``durable_app``. It imports the kit when a test uses the fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp


@pytest.fixture
def durable_app_root(request: pytest.FixtureRequest) -> Path:
    """Return the directory of the app under test: the nearest one above the test's file that has a host.json.

    Override it in a conftest.py if the app is elsewhere."""
    for directory in request.path.parents:
        if (directory / "host.json").is_file():
            return directory
    return request.config.rootpath


@pytest.fixture
def durable_app(durable_app_root: Path) -> Iterator[DurableApp]:
    """Yield the app of ``durable_app_root`` with an empty in-memory state and a virtual clock.

    Its methods are coroutines; ``durable_app.sync`` has the same ones for ordinary tests."""
    from embedded_host.testing.app import DurableApp

    with DurableApp(durable_app_root) as app:
        yield app
