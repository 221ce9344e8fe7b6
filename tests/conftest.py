"""Set the markers of the app's tests. ``-m unit`` selects tests that start no process."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROCESS = ("test_on_the_embedded_host", "test_dev", "test_audit", "test_health", "test_workflows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.container)
        elif item.path.stem == "test_forky":
            item.add_marker(pytest.mark.forky)
        elif item.path.stem in PROCESS:
            item.add_marker(pytest.mark.process)
        elif TESTS in item.path.parents:
            item.add_marker(pytest.mark.unit)
