"""The snapshot of the process's state."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from embedded_host.testing.process_state import ProcessState

CLIENT_MODULE = "azure.durable_functions.models.DurableOrchestrationClient"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLACED", "before")
    monkeypatch.delenv("ADDED", raising=False)


def test_the_snapshot_sets_and_restores_environment_variables() -> None:
    state = ProcessState({"REPLACED": "during", "ADDED": "during"})
    assert (os.environ["REPLACED"], os.environ["ADDED"]) == ("during", "during")
    state.restore()
    assert os.environ["REPLACED"] == "before"
    assert "ADDED" not in os.environ


def test_a_variable_that_was_changed_after_the_snapshot_keeps_its_value() -> None:
    state = ProcessState({"REPLACED": "during"})
    os.environ["REPLACED"] = "by the test"
    state.restore()
    assert os.environ["REPLACED"] == "by the test"


def test_restore_returns_to_the_working_directory_and_import_path(tmp_path: Path) -> None:
    before = (Path.cwd(), list(sys.path))
    state = ProcessState({})
    os.chdir(tmp_path)
    sys.path.insert(0, str(tmp_path))
    state.restore()
    assert (Path.cwd(), sys.path) == before


def test_restore_puts_the_sdks_http_functions_back() -> None:
    module = sys.modules[CLIENT_MODULE]
    before = module.post_async_request
    state = ProcessState({})
    module.post_async_request = object()  # type: ignore[attr-defined]
    state.restore()
    assert module.post_async_request is before
