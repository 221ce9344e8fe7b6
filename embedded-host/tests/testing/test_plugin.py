"""The pytest plugin, in separate pytest processes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.testing.conftest import shop_app

pytestmark = pytest.mark.process

PLUGIN = "embedded_host.testing.plugin"


ASYNCIO = "pytest_asyncio.plugin"


def run_pytest(
    folder: Path,
    *arguments: str,
    python: str = sys.executable,
    plugins: tuple[str, ...] = (PLUGIN, ASYNCIO),
) -> str:
    """Run pytest in ``folder`` with only these plugins, and return its output."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    options = [option for plugin in plugins for option in ("-p", plugin)]
    done = subprocess.run(
        [python, "-m", "pytest", *options, "-p", "no:cacheprovider", "-q", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
    )
    return done.stdout


def test_the_plugin_is_installed_with_the_package() -> None:
    (entry_point,) = entry_points(group="pytest11", name="durable_app")
    assert entry_point.value == PLUGIN


def test_the_app_is_the_nearest_directory_with_a_host_json(tmp_path: Path) -> None:
    app = shop_app(tmp_path / "repository" / "shop")
    app.write("host.json.txt", "")
    app.write(
        "tests/test_order.py",
        """
        import os
        from pathlib import Path
        import pytest

        HERE = os.getcwd()

        @pytest.mark.asyncio
        async def test_async(durable_app):
            charge = durable_app.fake("Charge", return_value="ok")
            assert (await durable_app.run("Order", 7)).output == ["ok", "shipped"]
            assert charge.calls == [7]

        def test_sync(durable_app):
            assert durable_app.root == Path(__file__).parents[1]
            assert durable_app.sync.run("Order", 7).output == ["paid 7", "shipped"]
            assert os.getcwd() == str(durable_app.root)

        def test_the_working_directory_is_restored():
            assert os.getcwd() == HERE
        """,
    )
    (tmp_path / "repository" / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    output = run_pytest(tmp_path / "repository")
    assert "3 passed" in output, output
    assert "df_loads" not in output  # a test cannot prevent this warning of the SDK


def test_a_pytest_ini_below_the_app_does_not_hide_the_app(tmp_path: Path) -> None:
    app = shop_app(tmp_path / "shop")
    app.write("tests/pytest.ini", "[pytest]\n")
    app.write(
        "tests/test_it.py",
        "def test_it(durable_app):\n    assert durable_app.sync.run('Order', 7).is_finished\n",
    )
    output = run_pytest(app.root / "tests")
    assert "1 passed" in output, output


def test_durable_app_root_can_be_overridden(tmp_path: Path) -> None:
    shop_app(tmp_path / "elsewhere")
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text(
        "import pytest\n"
        "from pathlib import Path\n"
        "@pytest.fixture\n"
        "def durable_app_root():\n"
        "    return Path(__file__).parents[1] / 'elsewhere'\n",
        encoding="utf-8",
    )
    (tests / "test_order.py").write_text(
        "def test_order(durable_app):\n    assert durable_app.sync.run('Order', 7).is_finished\n",
        encoding="utf-8",
    )
    output = run_pytest(tests)
    assert "1 passed" in output, output


def test_without_an_app_the_fixture_reports_the_missing_host_json(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(durable_app):\n    pass\n", encoding="utf-8")
    output = run_pytest(tmp_path)
    assert "The folder has no host.json, so it is not an app. Move the tests into the" in output
    assert "--script-root" not in output
    (tmp_path / "function_app.py").touch()
    output = run_pytest(tmp_path)
    assert (
        f"host.json: The file does not exist in {tmp_path}, which has functions. Create the file "
        'with the content {"version": "2.0", "extensionBundle": ' in output
    )


@pytest.mark.parametrize(
    ("plugins", "cause"),
    [
        ((PLUGIN, ASYNCIO), "which pytest-asyncio runs only in the mode 'auto': write asyncio_"),
        ((PLUGIN,), "which pytest runs only with a plugin: install pytest-asyncio and write"),
    ],
)
def test_a_coroutine_without_a_plugin_that_runs_it_is_reported(
    tmp_path: Path, plugins: tuple[str, ...], cause: str
) -> None:
    app = shop_app(tmp_path)
    app.write(
        "test_it.py",
        """
        async def test_it(durable_app):
            assert (await durable_app.run("Order", 7)).is_finished
        """,
    )
    output = run_pytest(tmp_path, plugins=plugins)
    assert f"test_it is a coroutine, {cause}" in output
    assert "[EH612]" in output
    assert "not natively supported" not in output
    if ASYNCIO in plugins:
        assert "1 passed" in run_pytest(tmp_path, "-o", "asyncio_mode=auto")


def test_a_run_without_the_fixture_imports_the_plugin_only(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('embedded_host')}\n"
        "    package = 'embedded_host.testing'\n"
        "    assert ours == {'embedded_host', package, package + '.plugin'}\n"
        "    others = {'aiohttp', 'azure', 'azure.functions', 'msgspec', 'sqlite3'}\n"
        "    assert not others & set(sys.modules)\n",
        encoding="utf-8",
    )
    output = run_pytest(tmp_path)
    assert "1 passed" in output, output


@pytest.mark.parametrize("by", ["option", "setting"])
def test_the_app_is_strict_with_the_option_or_the_setting(tmp_path: Path, by: str) -> None:
    tests = shop_app(tmp_path / "shop").root / "tests"
    tests.mkdir()
    (tests / "test_order.py").write_text(
        "from embedded_host.parity.kinds.sdk2 import CALL_HTTP\n"
        "def test_order(durable_app):\n"
        "    durable_app._simulation.host.findings.add(CALL_HTTP, 'Order')\n"
        "    durable_app.sync.run('Order', 7)\n",
        encoding="utf-8",
    )
    arguments = ["--durable-strict"] if by == "option" else ["-o", "durable_strict=true"]
    output = run_pytest(tests, *arguments)
    assert "ParityError: On the Azure Functions host, call_http in the orchestrator" in output
    assert "1 failed" in output, output
