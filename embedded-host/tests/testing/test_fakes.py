"""Fakes in the place of activities, sub-orchestrators, entities and sites."""

from __future__ import annotations

import pytest

from embedded_host.testing import DurableApp, OrchestrationFailedError, UnknownFunctionError
from tests.testing.conftest import entries


async def test_a_result_and_what_the_fake_was_called_with(shop: DurableApp) -> None:
    charge = shop.fake("ChargE", result={"id": 1})
    ship = shop.fake("Ship")
    order = await shop.run("Order", 7)
    assert order.output == [{"id": 1}, None]
    assert (charge.calls, ship.calls) == ([7], [{"order": {"id": 1}}])
    assert entries() == []
    assert [(c.name, c.input, c.result) for c in order.history.activities] == [
        ("Charge", 7, {"id": 1}),
        ("Ship", {"order": {"id": 1}}, None),
    ]


async def test_results_one_after_another(shop: DurableApp) -> None:
    shop.fake("Double", results=[10, 20])
    parent = await shop.run("Parent")
    assert parent.status == "Failed"
    assert "was called 3 times, but its fake has 2 results" in parent.output


@pytest.mark.parametrize("error", [ValueError("card refused"), KeyError])
async def test_raises_an_exception_or_its_class(shop: DurableApp, error: Exception) -> None:
    shop.fake("Charge", raises=error)
    order = await shop.run("Order", 7)
    kind = type(error).__name__ if isinstance(error, Exception) else "KeyError"
    assert order.status == "Failed"
    assert f"Activity function 'Charge' failed: {kind}" in order.output
    (charge,) = order.history.activities
    assert charge.error is not None
    with pytest.raises(OrchestrationFailedError, match=r"(?s)Order '.*' is Failed: .*Charge"):
        order.result()


async def test_fails_twice_and_then_runs_the_real_one(shop: DurableApp) -> None:
    charge = shop.fake("Charge", fails_twice=True)
    began = shop.now
    assert (await shop.run("Retrying", 7)).output == "paid 7"
    assert charge.calls == [7, 7, 7]
    assert (shop.now - began).total_seconds() == 120
    assert entries() == [7]


async def test_fails_with_an_exception_and_then_has_a_result(shop: DurableApp) -> None:
    shop.fake("Charge", fails=1, raises=TimeoutError("slow"), result="at last")
    retrying = await shop.run("Retrying", 7)
    assert retrying.output == "at last"
    assert [call.error is None for call in retrying.history.activities] == [False, True]
    assert "TimeoutError: slow" in str(retrying.history.activities[0].error)


async def test_using_a_function_or_a_coroutine_function(shop: DurableApp) -> None:
    async def ship(order: dict[str, str]) -> str:
        return f"sent {order['order']}"

    shop.fake("Charge", lambda amount: amount + 1)
    shop.fake("Ship", ship)
    assert (await shop.run("Order", 7)).output == [8, "sent 8"]


async def test_a_spy_lets_the_real_one_run(shop: DurableApp) -> None:
    spy = shop.spy("Charge")
    assert (await shop.run("Order", 7)).output == ["paid 7", "shipped"]
    assert (spy.calls, spy.count) == ([7], 1)


async def test_a_sub_orchestrator(shop: DurableApp) -> None:
    child = shop.fake("Child", lambda n: n * 100)
    assert (await shop.run("Parent")).output == 600
    assert child.calls == [1, 2, 3]
    shop.fake("Child", raises=ValueError("no"))
    parent = await shop.run("Parent")
    assert "Orchestrator function 'Child' failed: ValueError: no" in parent.output


async def test_an_entity(shop: DurableApp) -> None:
    counter = shop.fake("Counter", lambda operation, given: 42)
    assert (await shop.run("Tally")).output == 42
    assert counter.calls == [("add", 5), ("add", 3), ("get", None)]
    shop.fake("Counter", raises=ValueError("shut"))
    tally = await shop.run("Tally")
    assert tally.status == "Failed"
    assert "shut" in tally.output


async def test_sites(shop: DurableApp) -> None:
    site = shop.fake_http("https://api.example.com/*", status=201, body={"left": 3})
    fetch = await shop.run("Fetch")
    assert fetch.output == [201, '{"left": 3}']
    assert (site.calls[0]["method"], site.calls[0]["uri"]) == ("POST", "https://api.example.com/stock")
    (call,) = fetch.history.http_calls
    assert call.input["method"] == "POST"
    shop.fake_http("https://api.example.com/stock", method="POST", raises=TimeoutError("slow"))
    assert "TimeoutError: slow" in (await shop.run("Fetch")).output
    assert site.count == 1


async def test_no_request_leaves_the_test(shop: DurableApp) -> None:
    fetch = await shop.run("Fetch")
    assert fetch.status == "Failed"
    assert "no answer for POST https://api.example.com/stock: give it one with app.fake_http(" in fetch.output


async def test_what_the_app_does_not_have_cannot_be_faked(shop: DurableApp) -> None:
    with pytest.raises(UnknownFunctionError, match="Did you mean 'Charge'"):
        shop.fake("Chargee", result=1)


async def test_what_pytest_raises_in_a_fake_ends_the_test(shop: DurableApp) -> None:
    shop.fake("Charge", lambda amount: pytest.fail("must not be charged"))
    with pytest.raises(pytest.fail.Exception, match="must not be charged"):
        await shop.run("Order", 7)


async def test_a_lost_worker_runs_the_function_again(shop: DurableApp) -> None:
    shop.lose_worker("Charge")
    assert (await shop.run("Order", 7)).output == ["paid 7", "shipped"]
    assert entries() == [7, 7]


async def test_a_worker_that_is_lost_for_ever_fails_the_activity(shop: DurableApp) -> None:
    shop.lose_worker("Charge", times=3)
    order = await shop.run("Order", 7)
    assert "WorkerLost" in order.output
    assert entries() == [7, 7, 7]


def test_a_fake_answers_in_one_way(shop: DurableApp) -> None:
    with pytest.raises(TypeError, match="a fake of 'Charge' answers in one way, but result and raises were given"):
        shop.fake("Charge", result=1, raises=ValueError)
    with pytest.raises(TypeError, match="results and a function were given"):
        shop.fake("Charge", print, results=[1])
    shop.fake("Charge", fails=1, raises=ValueError, result=None)
