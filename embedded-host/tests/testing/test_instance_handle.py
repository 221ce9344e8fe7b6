"""The handle of an instance under test."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from embedded_host.testing import DurableApp, InstanceNotFoundError, OrchestrationFailedError


async def test_a_handle_has_the_instances_values(shop: DurableApp) -> None:
    began = shop.now
    order = await shop.run("Order", 7, instance_id="o-1")
    assert (order.id, order.name, order.status, order.is_finished) == (
        "o-1",
        "Order",
        "Completed",
        True,
    )
    assert (order.input, order.output, order.custom_status) == (
        7,
        ["paid 7", "shipped"],
        "shipped",
    )
    assert (order.created, order.updated) == (began, began)


async def test_updated_is_the_time_of_the_last_turn(shop: DurableApp) -> None:
    began = shop.now
    reminder = await shop.run("Reminder")
    assert (reminder.created, reminder.updated) == (began, began + timedelta(days=3))


async def test_waiting_for_names_the_event_and_the_timer(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    assert "It waits for" in approval.waiting_for
    assert "the external event 'Approval'" in approval.waiting_for
    assert "timer" in approval.waiting_for


async def test_the_root_cause_is_the_wait_of_the_child(shop: DurableApp) -> None:
    approval = await shop.start("ApprovalOfChild")
    cause = approval.root_cause
    assert cause is not None
    assert cause.startswith(f"{approval.id} > west waits for the timer due at ")
    assert "the external event 'Approval'" in cause
    assert approval.waiting_for.endswith(f" {cause}.")
    assert shop.instance(f"{approval.id}:west").root_cause is None


async def test_an_event_with_a_wrong_name_is_undelivered(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    assert approval.undelivered_events == []
    await shop.raise_event(approval, "Apprval", 1)
    [event] = approval.undelivered_events
    assert (event.name, event.did_you_mean) == ("Apprval", "Approval")
    assert approval.waiting_for.endswith("Did you mean 'Approval'?")
    await shop.raise_event(approval, "Approval", 1)
    assert (approval.output, approval.undelivered_events) == (1, [])


async def test_result_returns_the_output_of_a_completed_instance(shop: DurableApp) -> None:
    assert (await shop.run("Order", 7)).result() == ["paid 7", "shipped"]


async def test_result_of_a_running_instance_raises_with_the_awaited_event(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    with pytest.raises(
        OrchestrationFailedError,
        match=r"^Approval '.*' is Running\. It waits for .* external event 'Approval'.*\[EH602\]$",
    ):
        approval.result()


async def test_result_of_a_failed_instance_raises_with_its_error(shop: DurableApp) -> None:
    broken = await shop.run("Broken")
    with pytest.raises(
        OrchestrationFailedError, match=r"(?s)^Broken '.*' is Failed: .*no such thing"
    ) as raised:
        broken.result()
    assert re.search(r'\[EH602\]\n\nTraceback.*\n  File ".*\.py", line \d+', str(raised.value))


async def test_a_handle_of_a_purged_instance_raises_instance_not_found_error(
    shop: DurableApp,
) -> None:
    order = await shop.run("Order", 7)
    await shop.purge(order)
    with pytest.raises(InstanceNotFoundError):
        _ = order.status


async def test_the_repr_has_name_id_status_and_output(shop: DurableApp) -> None:
    order = await shop.run("Order", 7, instance_id="o-1")
    assert repr(order) == "<Order 'o-1': Completed, ['paid 7', 'shipped']>"
    approval = await shop.start("Approval", instance_id="a-1")
    assert repr(approval).startswith("<Approval 'a-1': Running, \"It waits for ")
    await shop.purge(order)
    assert repr(order) == "<no instance 'o-1'>"
