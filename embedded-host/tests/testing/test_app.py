"""Orchestrations, time, events, entities and HTTP in the app under test."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from embedded_host.testing import (
    DurableApp,
    InstanceNotFoundError,
    InstanceStatusError,
    LivelockError,
    NotFinishedError,
    OrchestrationFailedError,
    UnknownFunctionError,
)
from tests.testing.conftest import entries


async def test_run_returns_the_finished_instance(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    assert (order.status, order.output, order.custom_status) == (
        "Completed",
        ["paid 7", "shipped"],
        "shipped",
    )
    assert order.input == 7
    assert order.result() == ["paid 7", "shipped"]
    assert entries() == [7]
    assert shop.activity_runs == {"Charge": 1, "Ship": 1}


async def test_names_are_compared_without_case_and_unknown_names_raise(shop: DurableApp) -> None:
    assert (await shop.run("order", 7)).name == "Order"
    with pytest.raises(UnknownFunctionError, match=r"no orchestrator 'Ordr'. Did you mean 'Order'"):
        await shop.run("Ordr")
    with pytest.raises(UnknownFunctionError, match=r"Known names: .*Approval.*Tally"):
        await shop.start("Zzz")


async def test_a_timer_of_three_days_takes_no_time(shop: DurableApp) -> None:
    began = shop.now
    reminder = await shop.run("Reminder")
    assert shop.now - began == timedelta(days=3)
    assert datetime.fromisoformat(reminder.output) == shop.now
    (timer,) = reminder.history.timers
    assert (timer.due, timer.fired) == (shop.now, True)


async def test_time_stands_still_until_it_is_advanced(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.advance(hours=71)
    await shop.advance(timedelta(minutes=59))
    assert approval.status == "Running"
    with pytest.raises(
        OrchestrationFailedError,
        match=r"Approval '.*' is Running\. It waits for .* external event 'Approval'",
    ):
        approval.result()
    await shop.advance(minutes=1)
    assert approval.output == "timed out"
    assert approval.updated == shop.now


async def test_timers_and_timer_functions_run_in_the_order_of_their_due_times(
    shop: DurableApp,
) -> None:
    await shop.start("Retrying", "late")
    shop.spy("Charge", failures=[RuntimeError])
    evening = shop.now + timedelta(hours=47, minutes=59, seconds=30)
    entries().clear()
    await shop.advance(evening - shop.now)
    assert entries() == ["tick"]  # midnight has come once
    await shop.start("Retrying", "after a minute")
    await shop.advance(days=1)
    assert entries() == ["tick", "tick", "after a minute"]


async def test_an_event_reaches_the_instance_that_waits(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    assert "It waits for" in approval.waiting_for
    assert "the external event 'Approval'" in approval.waiting_for
    await shop.raise_event(approval, "Approval", {"by": "me"})
    assert approval.output == {"by": "me"}
    (event,) = approval.history.raised_events
    assert (event.name, event.value) == ("Approval", {"by": "me"})
    with pytest.raises(
        InstanceStatusError, match="is Completed and cannot receive the event"
    ) as refused:
        await shop.raise_event(approval, "Approval")
    assert refused.value.status == "Completed"
    with pytest.raises(InstanceNotFoundError, match="no instance 'missing'"):
        await shop.raise_event("missing", "Approval")


async def test_not_finished_error_names_what_the_instance_waits_for(shop: DurableApp) -> None:
    with pytest.raises(
        NotFinishedError, match=r"did not finish within 1:00:00. It waits for .*'Approval'"
    ):
        await shop.run("Approval", 72, timeout=timedelta(hours=1))
    approval = await shop.start("Approval")
    await shop.suspend(approval, "a break")
    await shop.advance(days=4)
    with pytest.raises(NotFinishedError, match=r"does not finish by itself. It has been suspended"):
        await shop.finish(approval)
    await shop.resume(approval)
    assert approval.output == "timed out"


async def test_an_orchestrator_that_never_waits_raises_livelock_error(shop_root: object) -> None:
    with (
        DurableApp(str(shop_root), limit=50) as app,
        pytest.raises(
            LivelockError, match="has run 50 functions and turns while its clock did not move"
        ),
    ):
        await app.start("Endless")


async def test_continuing_as_new_is_followed_to_the_end(shop: DurableApp) -> None:
    assert (await shop.run("CountTo", [1, 5])).output == 5
    assert shop.activity_runs == {"Double": 5}


async def test_sub_orchestrations_are_instances_too(shop: DurableApp) -> None:
    parent = await shop.run("Parent")
    assert parent.output == 12
    assert [i.name for i in shop.instances] == ["Parent", "Child", "Child", "Child"]
    calls = parent.history.sub_orchestrations
    assert [(c.name, c.input, c.result) for c in calls] == [
        ("Child", 1, 2),
        ("Child", 2, 4),
        ("Child", 3, 6),
    ]
    assert shop.instance(calls[0].instance_id or "").output == 2


async def test_parallel_functions_run_in_the_same_order_every_time(shop: DurableApp) -> None:
    def shape() -> list[list[str]]:
        return [[type(event).__name__ for event in instance.history] for instance in shop.instances]

    seen = []
    for _ in range(5):
        await shop.run("Parent")
        seen.append(shape())
        await shop.reset()
    assert all(one == seen[0] for one in seen)


async def test_entities_keep_their_state(shop: DurableApp) -> None:
    assert shop.entity_state("Counter", "a") is None
    tally = await shop.run("Tally")
    assert tally.output == 8
    assert shop.entity_state("counter", "a") == 8
    await shop.signal_entity("Counter", "a", "add", 4)
    assert shop.entity_state("Counter", "a") == 12
    sent = tally.history.entity_calls
    assert [(c.entity, c.operation, c.input, c.signal) for c in sent] == [
        ("@counter@a", "add", 5, True),
        ("@counter@a", "add", 3, False),
        ("@counter@a", "get", None, False),
    ]


async def test_http_functions_and_management_urls_respond_without_a_socket(
    shop: DurableApp,
) -> None:
    started = await shop.http("POST", "/api/start/Order/o-1", 7)
    assert started.status == 202
    assert shop.instance("o-1").output == ["paid 7", "shipped"]
    status = await shop.http("GET", started.json()["statusQueryGetUri"])
    assert status.json()["output"] == ["paid 7", "shipped"]
    assert status.headers["content-type"].startswith("application/json")
    assert (await shop.http("GET", "/api/nothing")).status == 404
    waiting = await shop.start("Approval", instance_id="o-2")
    raised = await shop.http(
        "POST", "/runtime/webhooks/durabletask/instances/o-2/raiseEvent/Approval", {"ok": 1}
    )
    assert (raised.status, waiting.output) == (202, {"ok": 1}), (
        "what is no text is sent as JSON, and said to be"
    )


@pytest.mark.parametrize(("hours", "open"), [(100, False), (240, True)])
async def test_a_cancelled_long_timer_runs_to_the_end_of_its_leg(
    shop: DurableApp, hours: int, open: bool
) -> None:
    """As on the real host: the SDK's ``cancel`` reaches none of the legs of a timer of more than six days."""
    approval = await shop.start("Approval", hours)
    await shop.raise_event(approval, "Approval", "yes")
    assert approval.is_finished is not open
    if open:
        assert approval.waiting_for.endswith(
            "Cancel a timer that is no longer needed. (The SDK splits a timer of more than six days "
            "into legs of three days, and cannot cancel a leg that has started.)"
        )
        await shop.advance(days=3)
    assert approval.output == "yes"


async def test_instances_are_terminated_rewound_and_purged(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.terminate(approval, "enough")
    assert (approval.status, approval.output) == ("Terminated", "enough")
    shop.spy("Charge", failures=[RuntimeError])
    order = await shop.run("Order", 1)
    assert order.status == "Failed"
    await shop.rewind(order)
    assert order.output == ["paid 1", "shipped"]
    await shop.purge(order)
    with pytest.raises(InstanceNotFoundError):
        shop.instance(order.id)
    with pytest.raises(InstanceNotFoundError):
        _ = order.status
    assert repr(order) == f"<no instance '{order.id}'>"
    assert repr(approval) == f"<Approval '{approval.id}': Terminated, 'enough'>"


async def test_an_operation_that_the_status_does_not_allow_raises_with_status_and_reason(
    shop: DurableApp,
) -> None:
    approval = await shop.start("Approval", instance_id="a-1")
    waits = r"\. It waits for .*'Approval'.* \[EH604\]$"
    for refused, what in (
        (shop.purge(approval), "be purged"),
        (shop.rewind(approval), "be rewound"),
        (shop.resume(approval), "be resumed"),
        (shop.start("Approval", instance_id="a-1"), "be started again"),
    ):
        with pytest.raises(
            InstanceStatusError, match=f"^Approval 'a-1' is Running and cannot {what}{waits}"
        ):
            await refused
    await shop.terminate(approval, "enough")
    with pytest.raises(
        InstanceStatusError,
        match=r"^Approval 'a-1' is Terminated and cannot be rewound: 'enough' \[EH604\]$",
    ):
        await shop.rewind(approval)
    assert (await shop.start("Approval", instance_id="a-1")).status == "Running"


@pytest.mark.parametrize("time", [3, "3 days"])
async def test_advance_refuses_values_that_are_no_timedelta(shop: DurableApp, time: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"requires a timedelta or keyword arguments.* not {time!r}\. \[EH609\]$"
    ):
        await shop.advance(time)


async def test_the_clock_starts_at_the_given_time_and_goes_forward_only(shop_root: object) -> None:
    noon = datetime(2030, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with DurableApp(str(shop_root), now=noon) as app:
        assert app.now == noon
        assert (await app.run("Reminder")).output == "2030-06-04T10:00:00+00:00"
        with pytest.raises(ValueError, match="forward only"):
            await app.advance(hours=-1)


async def test_a_non_deterministic_orchestrator_fails_as_on_the_functions_host(
    shop: DurableApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = await shop.run("Counting")
    assert counting.status == "Failed"
    assert "Non-Deterministic workflow detected" in counting.output
    assert entries() == ["another turn"] * 2, "each turn is replayed"
    # But for long histories, which would take the square of their turns.
    monkeypatch.setattr("embedded_host.testing.host_run.REPLAYED_UP_TO", 3)
    await shop.reset()
    entries().clear()
    assert (await shop.run("Counting")).status == "Completed"
    assert entries() == ["another turn"]
