"""Events, status changes, purges and signals in the app under test."""

from __future__ import annotations

import pytest

from embedded_host.testing import (
    DurableApp,
    InstanceNotFoundError,
    InstanceStatusError,
    UnknownFunctionError,
)


async def test_an_event_reaches_the_instance_that_waits_for_it(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.raise_event(approval, "Approval", {"by": "me"})
    assert approval.output == {"by": "me"}


async def test_an_event_for_a_finished_instance_raises_instance_status_error(
    shop: DurableApp,
) -> None:
    order = await shop.run("Order", 7)
    with pytest.raises(
        InstanceStatusError, match="is Completed and cannot receive the event 'Approval'"
    ) as refused:
        await shop.raise_event(order, "Approval")
    assert refused.value.status == "Completed"


async def test_an_event_for_an_unknown_instance_raises_instance_not_found_error(
    shop: DurableApp,
) -> None:
    with pytest.raises(InstanceNotFoundError, match="no instance 'missing'"):
        await shop.raise_event("missing", "Approval")


@pytest.mark.parametrize(("hours", "is_open"), [(100, False), (240, True)])
async def test_a_cancelled_timer_of_more_than_six_days_runs_to_the_end_of_its_leg(
    shop: DurableApp, hours: int, is_open: bool
) -> None:
    """Check the behavior of the Azure Functions host.

    The SDK divides such a timer into legs. A leg that has started cannot be canceled.
    """
    approval = await shop.start("Approval", hours)
    await shop.raise_event(approval, "Approval", "yes")
    assert approval.is_finished is not is_open
    if is_open:
        assert "Cancel a timer that is no longer needed." in approval.waiting_for
        await shop.advance(days=3)
    assert approval.output == "yes"


async def test_a_terminated_instance_has_the_reason_as_its_output(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.terminate(approval, "enough")
    assert (approval.status, approval.output) == ("Terminated", "enough")


async def test_a_suspended_instance_handles_an_event_after_it_is_resumed(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.suspend(approval, "a break")
    await shop.raise_event(approval, "Approval", "yes")
    assert approval.status == "Suspended"
    await shop.resume(approval)
    assert approval.output == "yes"


async def test_a_rewound_instance_runs_its_failed_activity_again(shop: DurableApp) -> None:
    shop.spy("Charge", failures=[RuntimeError])
    order = await shop.run("Order", 1)
    assert order.status == "Failed"
    await shop.rewind(order)
    assert order.output == ["paid 1", "shipped"]


async def test_a_purged_instance_does_not_exist(shop: DurableApp) -> None:
    order = await shop.run("Order", 1)
    await shop.purge(order)
    with pytest.raises(InstanceNotFoundError):
        shop.instance(order.id)
    assert shop.instances == []


async def test_an_operation_that_the_status_does_not_allow_raises_with_status_and_reason(
    shop: DurableApp,
) -> None:
    approval = await shop.start("Approval", instance_id="a-1")
    waits = r"\. It waits for .*'Approval'.* \[EH604\]$"
    for operation, description in (
        (shop.purge(approval), "be purged"),
        (shop.rewind(approval), "be rewound"),
        (shop.resume(approval), "be resumed"),
        (shop.start("Approval", instance_id="a-1"), "be started again"),
    ):
        with pytest.raises(
            InstanceStatusError, match=f"^Approval 'a-1' is Running and cannot {description}{waits}"
        ):
            await operation
    await shop.terminate(approval, "enough")
    with pytest.raises(
        InstanceStatusError,
        match=r"^Approval 'a-1' is Terminated and cannot be rewound: 'enough' \[EH604\]$",
    ):
        await shop.rewind(approval)
    assert (await shop.start("Approval", instance_id="a-1")).status == "Running"


async def test_a_signal_changes_the_entity_state(shop: DurableApp) -> None:
    await shop.signal_entity("counter", "a", "add", 4)
    assert shop.entity_state("Counter", "a") == 4


async def test_a_signal_to_an_unknown_entity_raises_unknown_function_error(
    shop: DurableApp,
) -> None:
    with pytest.raises(UnknownFunctionError, match=r"no entity 'Count'\. Did you mean 'Counter'"):
        await shop.signal_entity("Count", "a", "add", 4)
