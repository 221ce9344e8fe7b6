"""State, fakes and replay of the app under test."""

from __future__ import annotations

import pytest

from embedded_host.testing import DurableApp, InstanceNotFoundError, UnknownFunctionError


async def test_instances_lists_sub_orchestrations_in_the_order_of_creation(
    shop: DurableApp,
) -> None:
    parent = await shop.run("Parent")
    assert [instance.name for instance in shop.instances] == ["Parent", "Child", "Child", "Child"]
    assert shop.instances[0].id == parent.id


async def test_instance_returns_a_handle_for_an_id_or_a_handle(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    assert shop.instance(order.id).output == shop.instance(order).output == order.output


def test_instance_raises_instance_not_found_error_for_an_unknown_id(shop: DurableApp) -> None:
    with pytest.raises(
        InstanceNotFoundError,
        match=r"^There is no instance 'missing'\. DurableApp\.instances lists .* \[EH603\]$",
    ):
        shop.instance("missing")


async def test_entity_state_is_none_until_an_operation_sets_it(shop: DurableApp) -> None:
    assert shop.entity_state("Counter", "a") is None
    tally = await shop.run("Tally")
    assert tally.output == 8
    assert shop.entity_state("counter", "a") == 8


def test_entity_state_of_an_unknown_entity_raises_unknown_function_error(shop: DurableApp) -> None:
    with pytest.raises(UnknownFunctionError, match=r"no entity 'Zzz'\. Known names: Counter\."):
        shop.entity_state("Zzz", "a")


async def test_turns_and_activity_runs_count_the_work_of_the_host(shop: DurableApp) -> None:
    await shop.run("Order", 7)
    assert (shop.turns, shop.activity_runs) == (3, {"Charge": 1, "Ship": 1})
    await shop.restart()
    assert (shop.turns, shop.activity_runs) == (0, {"Charge": 1, "Ship": 1})


async def test_a_later_fake_of_a_function_replaces_the_earlier_one(shop: DurableApp) -> None:
    first, second = shop.fake("Ship"), shop.fake("SHIP", return_value="sent")
    assert (await shop.run("Order", 7)).output == ["paid 7", "sent"]
    assert (first.call_count, second.call_count) == (0, 1)


@pytest.mark.parametrize("method", ["fake", "spy", "kill_worker_during"])
def test_a_function_that_the_app_does_not_have_cannot_be_replaced(
    shop: DurableApp, method: str
) -> None:
    with pytest.raises(UnknownFunctionError, match="Did you mean 'Charge'"):
        getattr(shop, method)("Chargee")


async def test_replay_accepts_a_handle_and_a_history(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    assert shop.replay(order).output == shop.replay(order.history).output == order.output
