"""The kit in tests that are no coroutines."""

from __future__ import annotations

import inspect

import pytest

from embedded_host.testing import DurableApp, SyncDurableApp


def test_every_method_of_the_app_is_there() -> None:
    not_for_tests = {"client", "hub", "root", "sync", "orchestrator_code"}
    public = {name for name in vars(DurableApp) if not name.startswith("_")} - not_for_tests - {"close"}
    assert public <= {name for name in vars(SyncDurableApp) if not name.startswith("_")}
    for name in public:
        found = getattr(DurableApp, name)
        if inspect.iscoroutinefunction(found) and name not in ("restart", "reset"):
            ours = inspect.signature(getattr(SyncDurableApp, name)).parameters
            assert list(ours) == list(inspect.signature(found).parameters)


def test_an_orchestration_from_start_to_end(shop: DurableApp) -> None:
    app = shop.sync
    charge = app.fake("Charge", result="free")
    assert app.run("Order", 7).output == ["free", "shipped"]
    assert charge.calls == [7]
    approval = app.start("Approval")
    app.advance(hours=1)
    app.raise_event(approval, "Approval", "yes")
    assert app.finish(approval).output == "yes"
    app.signal_entity("Counter", "a", "add", 2)
    assert app.entity("Counter", "a") == 2
    assert app.http("POST", "/api/start/Order", 7).status == 202
    app.restart()
    assert len(app.instances) == 3


async def test_an_async_test_is_told_to_await(shop: DurableApp) -> None:
    with pytest.raises(RuntimeError, match=r"await durable_app.run"):
        shop.sync.run("Order", 7)
