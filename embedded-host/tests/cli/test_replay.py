"""The command ``replay``."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.testing import DurableApp
from tests.cli.calling import call
from tests.support.app_folder import AppFolder


def echo_app(
    root: Path, then: str = 'return (yield context.call_activity("Echo", 2))'
) -> AppFolder:
    app = AppFolder(root)
    app.activity("Echo", "return value")
    app.orchestrator("Twice", f'yield context.call_activity("Echo", 1)\n{then}')
    return app


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    return echo_app(tmp_path / "app")


@pytest.fixture
def history(app: AppFolder, tmp_path: Path) -> Path:
    with DurableApp(app.root) as durable_app:
        return durable_app.sync.run("Twice").history.save(tmp_path / "twice.json")


def test_a_matching_history_is_reported(
    app: AppFolder, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(history.parent)
    called = call("replay", "twice.json", "--script-root", "app")
    assert (called.code, called.err) == (0, "")
    assert called.out == "twice.json: Twice matches (2 steps, 3 turns)\n"
    assert Path.cwd() == history.parent


def test_a_differing_history_is_reported(history: Path, tmp_path: Path) -> None:
    app = echo_app(tmp_path / "changed", 'yield context.wait_for_external_event("Go")')
    empty = tmp_path / "empty.json"
    empty.write_text("{}", encoding="utf-8")
    called = call("replay", history, empty, "--script-root", app.root)
    assert called.code == 1
    assert "differs at step 2 (turn 2)" in called.out
    assert (
        "  the history: activity 'Echo'\n  the code:    it waits for the external event 'Go'"
        in called.out
    )
    assert f"{empty}: {empty} contains no history" in called.out
    called = call("replay", history, "--script-root", app.root, "--json")
    assert called.code == 1
    assert '"code": "it waits for the external event' in called.out


def test_an_app_that_does_not_load_is_reported(history: Path, tmp_path: Path) -> None:
    called = call("replay", history, "--script-root", tmp_path / "twice")
    assert called.code == 2
    assert f"Directory '{tmp_path / 'twice'}' does not exist." in called.err
    app = AppFolder(tmp_path / "v2")
    app.write("function_app.py", "import no_such_package\n")
    assert (
        "No module named 'no_such_package'"
        in call("replay", history, "--script-root", app.root).err
    )
    assert call("replay").code == 2
