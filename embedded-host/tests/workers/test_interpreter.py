"""Which program a worker process is."""

from __future__ import annotations

import os
import sys

import pytest

from embedded_host.workers.interpreter import interpreter

VENV, BASE = r"C:\app\.venv\Scripts\python.exe", r"C:\Python313\python.exe"


def test_windows_launcher_of_an_environment_is_gone_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(sys, "executable", VENV)
    monkeypatch.setattr(sys, "_base_executable", BASE)
    assert interpreter() == (BASE, {"__PYVENV_LAUNCHER__": VENV})


@pytest.mark.parametrize("base", [BASE, "", None])
def test_without_an_environment_it_is_this_one(
    monkeypatch: pytest.MonkeyPatch, base: str | None
) -> None:
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(sys, "executable", BASE)
    monkeypatch.setattr(sys, "_base_executable", base)
    assert interpreter() == (BASE, {})


@pytest.mark.skipif(os.name == "nt", reason="other systems have no launcher")
def test_elsewhere_it_is_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/python3")
    assert interpreter() == (sys.executable, {})
