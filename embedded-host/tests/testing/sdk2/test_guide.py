"""The example for SDK 2.x in docs/how-to/testing.md runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from embedded_host.testing import DurableApp
from tests.docs.markdown import PROJECT, blocks
from tests.testing.sdk2.conftest import shop_app

PAGE = PROJECT / "docs" / "how-to" / "testing.md"


async def test_the_example_of_the_guide_runs(tmp_path: Path) -> None:
    texts = [block.text for block in blocks(PAGE)]
    app = next(text for text in texts if "df.DFApp()" in text and "task.RetryPolicy" in text)
    test = next(text for text in texts if "durable_app.replay(order)" in text)
    root = shop_app(tmp_path / "app", app).root
    (tmp_path / "example.py").write_text(test, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("example", tmp_path / "example.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with DurableApp(root) as durable_app:
        await module.test_an_order_is_approved_on_the_second_day(durable_app)
