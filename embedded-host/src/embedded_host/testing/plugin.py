"""The pytest plugin: the fixture ``durable_app``. Nothing is imported until a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp


@pytest.fixture
def durable_app_root(request: pytest.FixtureRequest) -> Path:
    """The folder of the app under test: the nearest one above the test's file that has a host.json.

    Override it in a conftest.py if the app is elsewhere."""
    for folder in request.path.parents:
        if (folder / "host.json").is_file():
            return folder
    return request.config.rootpath


@pytest.fixture
def durable_app(durable_app_root: Path) -> Iterator[DurableApp]:
    """The app of ``durable_app_root`` in this process, with an empty state in memory and a clock that only the test moves.

    Its methods are for ``async`` tests; ``durable_app.sync`` has the same ones for ordinary tests."""
    from embedded_host.testing.app import DurableApp

    with DurableApp(durable_app_root) as app:
        yield app
