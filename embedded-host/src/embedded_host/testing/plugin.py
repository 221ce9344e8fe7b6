"""The pytest plugin with the fixture ``durable_app``.

The plugin imports the test kit only when a test uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--durable-strict`` and the setting ``durable_strict``."""
    parser.getgroup("durable_app").addoption(
        "--durable-strict",
        action="store_true",
        help="Fail a test with durable_app if the app would fail on Azure Functions.",
    )
    parser.addini(
        "durable_strict", "True for --durable-strict in all test runs.", type="bool", default=False
    )


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Fail a coroutine test with ``durable_app`` that no other plugin runs.

    pytest-asyncio and anyio run their tests before this hook, or replace the coroutine function.
    pytest's own message recommends a plugin, even if one is installed.
    """
    if "durable_app" not in pyfuncitem.fixturenames or not iscoroutinefunction(pyfuncitem.obj):
        return
    if hasattr(pyfuncitem.config.option, "asyncio_mode"):  # an option of pytest-asyncio
        cause = "which pytest-asyncio runs only in the mode 'auto': write"
    else:
        cause = "which pytest runs only with a plugin: install pytest-asyncio and write"
    pytest.fail(
        f"{pyfuncitem.name} is a coroutine, {cause} asyncio_mode = auto below [pytest] in "
        "pytest.ini, or use durable_app.sync in an ordinary function. [EH612]",
        pytrace=False,
    )


@pytest.fixture
def durable_app_root(request: pytest.FixtureRequest) -> Path:
    """Return the app folder: the nearest parent folder of the test file that contains host.json.

    If no parent folder contains host.json, return pytest's rootdir. Override the fixture if the app
    is in another folder.

    Example:
        ```python
        # conftest.py
        @pytest.fixture
        def durable_app_root():
            return Path(__file__).parent / "my_app"
        ```
    """
    for folder in request.path.parents:
        if (folder / "host.json").is_file():
            return folder
    return request.config.rootpath


@pytest.fixture
def durable_app(request: pytest.FixtureRequest, durable_app_root: Path) -> Iterator[DurableApp]:
    """Yield the app of ``durable_app_root`` with an empty in-memory state and a virtual clock.

    With the option ``--durable-strict``, the app is strict (see ``DurableApp``).

    The methods are coroutines. ``durable_app.sync`` has the same methods for tests that are not
    coroutines.

    Example:
        ```python
        async def test_order(durable_app: DurableApp):
            order = await durable_app.run("OrderFlow", {"item": "book"})
            assert order.output == "shipped"
        ```
    """
    from embedded_host.testing import DurableApp

    config = request.config
    strict = bool(config.getoption("--durable-strict") or config.getini("durable_strict"))
    with DurableApp(durable_app_root, strict=strict) as app:
        yield app
