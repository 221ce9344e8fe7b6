from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from embedded_host.testing.process_state import ProcessState


def test_directory_path_and_environment_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("ADDED", raising=False)
    directory, path = Path.cwd(), list(sys.path)
    state = ProcessState({"KEPT": "during", "ADDED": "during"})
    assert (os.environ["KEPT"], os.environ["ADDED"]) == ("during", "during")
    os.chdir(tmp_path)
    sys.path.insert(0, str(tmp_path))
    state.restore()
    assert (Path.cwd(), sys.path) == (directory, path)
    assert (os.environ["KEPT"], "ADDED" in os.environ) == ("before", False)


def test_a_variable_that_the_test_has_changed_keeps_the_tests_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    state = ProcessState({"KEPT": "during"})
    monkeypatch.setenv("KEPT", "by the test")
    state.restore()
    assert os.environ["KEPT"] == "by the test"
