"""The reason why a function is missing, in the message of UnknownFunctionError."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.testing import DurableApp, UnknownFunctionError
from tests.testing.conftest import shop_app


def error(root: Path, name: str, **settings: str) -> str:
    with (
        DurableApp(root, settings=settings) as app,
        pytest.raises(UnknownFunctionError) as raised,
    ):
        app.sync.start(name)
    return str(raised.value)


def test_a_folder_without_function_json_is_named(tmp_path: Path) -> None:
    app = shop_app(tmp_path)
    app.write("OrderFlow/__init__.py", "")
    assert error(tmp_path, "orderflow") == (
        "The app has no orchestrator 'orderflow'. The folder OrderFlow has no function.json, so it "
        "is not a function. Create the file with the bindings of the function. [EH605]"
    )
    assert "Did you mean 'Order'?" in error(tmp_path, "Ordr")


def test_an_invalid_function_json_is_named(tmp_path: Path) -> None:
    app = shop_app(tmp_path)
    app.write("OrderFlow/__init__.py", "")
    app.write("OrderFlow/function.json", "{")
    assert "Its function is out of service: OrderFlow/function.json:" in error(
        tmp_path, "OrderFlow"
    )


def test_a_function_of_another_kind_is_named(tmp_path: Path) -> None:
    shop_app(tmp_path)
    assert "no orchestrator 'charge'. 'Charge' is an activity." in error(tmp_path, "charge")


def test_a_disabled_or_excluded_function_is_named(tmp_path: Path) -> None:
    shop_app(tmp_path)
    disabled = error(tmp_path, "Order", **{"AzureWebJobs.Order.Disabled": "true"})
    assert "The setting AzureWebJobs.Order.Disabled disables the function." in disabled
    host = tmp_path / "host.json"
    content = json.loads(host.read_text(encoding="utf-8")) | {"functions": ["Charge"]}
    host.write_text(json.dumps(content), encoding="utf-8")
    assert "host.json does not contain 'Order'." in error(tmp_path, "Order")


def test_a_folder_that_a_v2_app_hides_is_named(tmp_path: Path) -> None:
    app = shop_app(tmp_path)
    app.write(
        "function_app.py",
        """
        import azure.durable_functions as df

        app = df.DFApp()


        @app.activity_trigger(input_name="city")
        def hello(city: str) -> str:
            return city
        """,
    )
    assert "function_app.py hides the function folders" in error(tmp_path, "Order")
    (tmp_path / "shared").mkdir()
    assert "Known names: none." in error(tmp_path, "shared")
