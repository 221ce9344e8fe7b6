"""The interpreter of worker processes."""

from __future__ import annotations

import os
import sys

import pytest

from embedded_host.workers.interpreter import interpreter

VENV, BASE = r"C:\app\.venv\Scripts\python.exe", r"C:\Python313\python.exe"


def test_on_windows_the_base_interpreter_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(sys, "executable", VENV)
    monkeypatch.setattr(sys, "_base_executable", BASE)
    assert interpreter() == (BASE, {"__PYVENV_LAUNCHER__": VENV})


@pytest.mark.parametrize("base", [BASE, "", None])
def test_without_a_virtual_environment_this_interpreter_is_used(
    monkeypatch: pytest.MonkeyPatch, base: str | None
) -> None:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(sys, "executable", BASE)
    monkeypatch.setattr(sys, "_base_executable", base)
    assert interpreter() == (BASE, {})


@pytest.mark.skipif(os.name == "nt", reason="other systems have no launcher")
def test_other_systems_use_this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/python3")
    assert interpreter() == (sys.executable, {})
