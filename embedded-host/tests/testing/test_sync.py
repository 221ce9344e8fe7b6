"""The synchronous app."""

from __future__ import annotations

import inspect

import pytest

from embedded_host.testing import DurableApp, InstanceHandle, SyncDurableApp


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_every_public_name_of_the_asynchronous_app_has_a_synchronous_counterpart() -> None:
    assert public(DurableApp) - {"sync"} == public(SyncDurableApp) - {"asynchronous", "run_async"}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in sorted(public(DurableApp))
        if inspect.iscoroutinefunction(getattr(DurableApp, name))
    ],
)
def test_the_counterpart_of_a_coroutine_method_has_its_signature_and_docstring(name: str) -> None:
    ours, theirs = getattr(SyncDurableApp, name), getattr(DurableApp, name)
    assert not inspect.iscoroutinefunction(ours)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)


def test_the_methods_return_results_without_await(shop: DurableApp) -> None:
    app = shop.sync
    charge = app.fake("Charge", return_value="free")
    order: InstanceHandle = app.run("Order", 7)  # mypy checks the types of these variables
    assert order.output == ["free", "shipped"]
    assert charge.calls == [7]
    approval: InstanceHandle = app.start("Approval")
    app.advance(hours=1)
    app.raise_event(approval, "Approval", "yes")
    assert app.finish(approval).output == "yes"
    app.signal_entity("Counter", "a", "add", 2)
    assert app.entity_state("Counter", "a") == 2
    status: int = app.http("POST", "/api/start/Order", 7).status
    assert status == 202
    app.restart()
    assert len(app.instances) == 3
    assert app.root == shop.root
    app.reset()
    assert app.instances == []


def test_run_async_runs_a_coroutine_that_uses_the_asynchronous_app(shop: DurableApp) -> None:
    async def approve(app: DurableApp) -> InstanceHandle:
        approval = await app.start("Approval")
        await app.raise_event(approval, "Approval", 1)
        return approval

    assert shop.sync.run_async(approve(shop.sync.asynchronous)).output == 1


async def test_a_call_in_an_async_test_raises_runtime_error(shop: DurableApp) -> None:
    with pytest.raises(RuntimeError, match=r"await durable_app.run"):
        shop.sync.run("Order", 7)
