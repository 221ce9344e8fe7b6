"""docs/how-to/testing.md: each of its examples, as a user would have it on disk, and the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedded_host.testing import DurableApp
from tests.cli.calling import call
from tests.support.app_folder import AppFolder, orchestration_trigger
from tests.testing.test_plugin import run_pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
(CONFIGURATION,) = re.findall(r"```ini\n# pytest.ini\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "shop")
    app.function("OrderFlow", EXAMPLES["OrderFlow/__init__.py"], orchestration_trigger())
    app.activity("ChargeCard", 'return "paid"')
    app.activity("Ship", 'return f"shipped {value}"')
    return app


@pytest.mark.process
def test_the_examples_of_the_page_pass(app: AppFolder) -> None:
    tests = {name: text for name, text in EXAMPLES.items() if name.startswith("tests/")}
    for name, text in tests.items():
        app.write(name, text)
    app.write("pytest.ini", CONFIGURATION)
    count = sum(text.count("def test_") for text in tests.values())
    output = run_pytest(app.root)
    assert f"{count} passed" in output, output
    assert count == 11


def test_the_command_of_the_page(app: AppFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"^    embedded-host (replay .*)$", PAGE, re.MULTILINE)
    (app.root / "histories").mkdir()
    with DurableApp(app.root) as durable_app:
        durable_app.sync.run("OrderFlow", {"item": "book"}).history.save(
            app.root / "histories" / "order.json"
        )
    monkeypatch.chdir(app.root)
    called = call(*command.split())
    assert called.code == 0, called
    assert "OrderFlow fits" in called.out


def test_every_code_block_of_the_page_is_tested() -> None:
    assert PAGE.count("```python") == len(EXAMPLES)
    assert (
        Path(__file__).parents[3] / "tests/hello_orchestrator/test_with_the_test_kit.py"
    ).is_file()
