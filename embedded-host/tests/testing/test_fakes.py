"""Fakes and spies of activities, sub-orchestrators, entities and HTTP calls."""

from __future__ import annotations

from itertools import repeat
from typing import Any
from unittest.mock import DEFAULT, AsyncMock, Mock

import pytest

from embedded_host.testing import (
    DurableApp,
    Fake,
    FakeCallsError,
    HttpRequest,
    OrchestrationFailedError,
    UnknownFunctionError,
)
from tests.testing.conftest import entries


async def test_a_fake_returns_its_return_value_and_records_the_inputs(shop: DurableApp) -> None:
    charge = shop.fake("ChargE", return_value={"id": 1})
    ship = shop.fake("Ship")
    order = await shop.run("Order", 7)
    assert order.output == [{"id": 1}, None]
    assert (charge.calls, ship.calls) == ([7], [{"order": {"id": 1}}])
    assert entries() == []
    assert [(c.name, c.input, c.result) for c in order.history.activities] == [
        ("Charge", 7, {"id": 1}),
        ("Ship", {"order": {"id": 1}}, None),
    ]


async def test_a_return_value_that_is_set_later_replaces_the_first_one(shop: DurableApp) -> None:
    ship = shop.fake("Ship", return_value="by train")
    assert (await shop.run("Order", 7)).output == ["paid 7", "by train"]
    ship.return_value = "by ship"
    assert (await shop.run("Order", 7)).output == ["paid 7", "by ship"]
    ship.side_effect = lambda order: "by plane"
    assert (await shop.run("Order", 7)).output == ["paid 7", "by plane"]
    assert ship.call_count == 3


async def test_a_side_effect_iterable_has_one_result_or_exception_for_each_call(
    shop: DurableApp,
) -> None:
    shop.fake("Charge", side_effect=[TimeoutError("slow"), "at last"])
    retrying = await shop.run("Retrying", 7)
    assert retrying.output == "at last"
    assert [call.error is None for call in retrying.history.activities] == [False, True]
    assert "TimeoutError: slow" in str(retrying.history.activities[0].error)


async def test_a_call_beyond_the_values_of_a_side_effect_iterable_fails(shop: DurableApp) -> None:
    shop.fake("Double", side_effect=[10, 20])
    parent = await shop.run("Parent")
    assert parent.status == "Failed"
    assert (
        "'Double' was called 3 times, but its side_effect has fewer values. [EH608]"
        in parent.output
    )


async def test_an_infinite_side_effect_iterator_has_a_result_for_each_call(
    shop: DurableApp,
) -> None:
    shop.fake("Double", side_effect=repeat(5))
    assert (await shop.run("Parent")).output == 15


@pytest.mark.parametrize("error", [ValueError("card refused"), KeyError])
async def test_a_side_effect_exception_or_class_is_raised(
    shop: DurableApp, error: Exception
) -> None:
    shop.fake("Charge", side_effect=error)
    order = await shop.run("Order", 7)
    kind = type(error).__name__ if isinstance(error, Exception) else "KeyError"
    assert order.status == "Failed"
    assert f"Activity function 'Charge' failed: {kind}" in order.output
    (charge,) = order.history.activities
    assert charge.error is not None
    with pytest.raises(OrchestrationFailedError, match=r"(?s)Order '.*' is Failed: .*Charge"):
        order.result()


async def test_a_side_effect_function_or_coroutine_function_is_called_with_the_input(
    shop: DurableApp,
) -> None:
    async def ship(order: dict[str, str]) -> str:
        return f"sent {order['order']}"

    shop.fake("Charge", side_effect=lambda amount: amount + 1)
    shop.fake("Ship", side_effect=ship)
    assert (await shop.run("Order", 7)).output == [8, "sent 8"]


async def test_a_side_effect_mock_records_the_calls_too(shop: DurableApp) -> None:
    charge, ship = Mock(return_value="paid by mock"), AsyncMock(side_effect=ValueError("no ship"))
    shop.fake("Charge", side_effect=charge)
    shop.fake("Ship", side_effect=ship)
    order = await shop.run("Order", 7)
    charge.assert_called_once_with(7)
    ship.assert_awaited_once_with({"order": "paid by mock"})
    assert "ValueError: no ship" in order.output


async def test_a_side_effect_that_returns_default_leaves_the_result_to_return_value(
    shop: DurableApp,
) -> None:
    seen: list[Any] = []

    def record(amount: int) -> Any:
        seen.append(amount)
        return DEFAULT

    shop.fake("Charge", side_effect=record, return_value="free")
    assert (await shop.run("Order", 7)).output == ["free", "shipped"]
    assert seen == [7]


async def test_a_spy_runs_the_apps_own_function(shop: DurableApp) -> None:
    spy = shop.spy("Charge")
    assert (await shop.run("Order", 7)).output == ["paid 7", "shipped"]
    assert (spy.calls, spy.call_count) == ([7], 1)


async def test_a_spys_first_calls_raise_its_failures(shop: DurableApp) -> None:
    charge = shop.spy("Charge", failures=[ValueError("refused"), RuntimeError])
    began = shop.now
    assert (await shop.run("Retrying", 7)).output == "paid 7"
    assert charge.calls == [7, 7, 7]
    assert (shop.now - began).total_seconds() == 120
    assert entries() == [7]


async def test_failures_and_values_restart_after_a_reset(shop: DurableApp) -> None:
    shop.fake("Charge", side_effect=[ValueError("refused"), "free"])
    ship = shop.spy("Ship", failures=[ValueError("no ship")])
    for _ in range(2):
        assert (await shop.run("Retrying", 7)).output == "free"
        assert "no ship" in (await shop.run("Reminder")).output
        assert ship.call_count == 1
        await shop.reset()
        assert not ship.called


async def test_a_fake_of_a_sub_orchestrator_is_called_with_its_input(shop: DurableApp) -> None:
    child = shop.fake("Child", side_effect=lambda n: n * 100)
    assert (await shop.run("Parent")).output == 600
    assert child.calls == [1, 2, 3]
    shop.fake("Child", side_effect=ValueError("no"))
    parent = await shop.run("Parent")
    assert "Orchestrator function 'Child' failed: ValueError: no" in parent.output


async def test_a_fake_of_an_entity_is_called_with_operation_and_input(shop: DurableApp) -> None:
    counter = shop.fake("Counter", side_effect=lambda operation, value: 42)
    assert (await shop.run("Tally")).output == 42
    assert counter.calls == [("add", 5), ("add", 3), ("get", None)]
    counter.assert_any_call("add", 3)
    shop.fake("Counter", side_effect=ValueError("shut"))
    tally = await shop.run("Tally")
    assert tally.status == "Failed"
    assert "shut" in tally.output


async def test_a_spy_of_an_entity_records_every_operation_of_a_batch(shop: DurableApp) -> None:
    counter = shop.spy("Counter")
    assert (await shop.run("Tally")).output == 8
    assert counter.calls == [("add", 5), ("add", 3), ("get", None)]


async def test_operations_that_a_spy_fails_do_not_reach_the_entity(
    shop: DurableApp,
) -> None:
    # The signal fails. It arrives in the same batch as the first call.
    shop.spy("Counter", failures=[ValueError("shut")])
    assert (await shop.run("Tally")).output == 3


async def test_fake_http_sets_the_response_of_call_http(shop: DurableApp) -> None:
    site = shop.fake_http("https://api.example.com/*", status=201, body={"left": 3})
    fetch = await shop.run("Fetch")
    assert fetch.output == [201, '{"left": 3}']
    (request,) = site.calls
    assert isinstance(request, HttpRequest)
    assert (request.method, request.url, request.content) == (
        "POST",
        "https://api.example.com/stock",
        '{"item": 7}',
    )
    (call,) = fetch.history.http_calls
    assert call.input["method"] == "POST"
    shop.fake_http("https://api.example.com/stock", method="POST", side_effect=TimeoutError("slow"))
    assert "TimeoutError: slow" in (await shop.run("Fetch")).output
    assert site.call_count == 1


async def test_a_request_without_a_matching_fake_fails(shop: DurableApp) -> None:
    fetch = await shop.run("Fetch")
    assert fetch.status == "Failed"
    assert (
        "no fake matches POST https://api.example.com/stock: set a fake with app.fake_http("
        in fetch.output
    )


async def test_fake_of_an_unknown_function_raises_unknown_function_error(shop: DurableApp) -> None:
    with pytest.raises(UnknownFunctionError, match="Did you mean 'Charge'"):
        shop.fake("Chargee", return_value=1)


async def test_pytest_fail_in_a_side_effect_fails_the_test(shop: DurableApp) -> None:
    shop.fake("Charge", side_effect=lambda amount: pytest.fail("must not be charged"))
    with pytest.raises(pytest.fail.Exception, match="must not be charged"):
        await shop.run("Order", 7)


async def test_an_activity_whose_worker_was_killed_fails(shop: DurableApp) -> None:
    shop.kill_worker_during("Charge")
    order = await shop.run("Order", 7)
    assert "Activity function 'Charge' failed: PYTHON exited with code 137 (0x89)" in order.output
    assert entries() == [7]


async def test_assertions_pass_for_the_expected_calls(shop: DurableApp) -> None:
    charge, other = shop.spy("Charge"), shop.fake("Double")
    other.assert_not_called()
    await shop.run("Order", 7)
    charge.assert_called()
    charge.assert_called_once()
    charge.assert_called_once_with(7)
    await shop.run("Order", 8)
    charge.assert_called_with(8)
    charge.assert_any_call(7)


@pytest.mark.parametrize(
    ("assertion", "arguments", "message"),
    [
        (
            "assert_not_called",
            (),
            "not to have been called. It was called 2 times: [7, 8]. [EH608]",
        ),
        ("assert_called_once", (), "to have been called once. It was called 2 times"),
        ("assert_called_once_with", (7,), "to have been called once with 7. It was called 2 times"),
        ("assert_called_with", (7,), "to have been called last with 7. It was called 2 times"),
        ("assert_any_call", (9,), "to have been called with 9. It was called 2 times"),
    ],
)
async def test_assertions_fail_for_other_calls(
    shop: DurableApp, assertion: str, arguments: tuple[int, ...], message: str
) -> None:
    charge = shop.spy("Charge")
    await shop.run("Order", 7)
    await shop.run("Order", 8)
    with pytest.raises(FakeCallsError) as failed:
        getattr(charge, assertion)(*arguments)
    assert isinstance(failed.value, AssertionError)
    assert f"Expected 'Charge' {message}" in str(failed.value)


def test_assert_called_fails_without_calls(shop: DurableApp) -> None:
    with pytest.raises(
        FakeCallsError,
        match=r"Expected 'Charge' to have been called\. It was called 0 times\. \[EH608\]",
    ):
        shop.fake("Charge").assert_called()


def test_the_repr_of_a_fake_has_name_kind_and_calls(shop: DurableApp) -> None:
    fake: Fake = shop.fake("Charge")
    assert repr(fake) == "<fake of the activity 'Charge', called 0 times>"
    fake.calls.append(7)
    assert repr(fake) == "<fake of the activity 'Charge', called once>"
