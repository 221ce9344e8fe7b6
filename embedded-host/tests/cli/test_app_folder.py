"""An app that is loaded without a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.cli.app_folder import load_folder
from embedded_host.cli.command import CommandError
from embedded_host.cli.target import Target
from tests.support.app_folder import AppFolder

pytestmark = pytest.mark.process


def test_the_functions_of_the_folder_are_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = AppFolder(tmp_path / "app")
    app.activity("Echo", "return value")
    loaded = load_folder(Target(root=app.root))
    assert [function.name for function in loaded.app.functions] == ["Echo"]
    assert capsys.readouterr().err.startswith(f"App: {app.root} (")


def test_an_interpreter_that_does_not_run_is_reported(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.activity("Echo", "return value")
    with pytest.raises(CommandError, match="no-python"):
        load_folder(Target(root=app.root), str(tmp_path / "no-python"))
