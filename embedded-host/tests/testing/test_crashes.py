"""Crashes at every turn, and a crash at one turn."""

from __future__ import annotations

import pytest

from embedded_host.testing import (
    CrashChangedOutcomeError,
    DurableApp,
    InstanceHandle,
    crash_everywhere,
)
from tests.testing.conftest import entries


async def test_crash_everywhere_crashes_before_and_after_every_turn_is_recorded(
    shop: DurableApp,
) -> None:
    runs = await crash_everywhere(shop, "Order", 7)
    assert [(run.turn, run.recorded) for run in runs] == [
        (0, True),
        *((turn, recorded) for turn in (1, 2, 3) for recorded in (False, True)),
    ]
    assert {run.status for run in runs} == {"Completed"}
    # Charge ran again if the turn that received the result of Charge was lost.
    assert [run.activity_runs["Charge"] for run in runs] == [1, 1, 1, 2, 1, 1, 1]
    assert [run.activity_runs["Ship"] for run in runs] == [1, 1, 1, 1, 1, 2, 1]


async def test_an_activity_with_two_effects_changes_the_outcome(shop: DurableApp) -> None:
    with pytest.raises(CrashChangedOutcomeError) as raised:
        await crash_everywhere(
            shop, "Order", 7, before=entries().clear, also=lambda: list(entries())
        )
    message = str(raised.value)
    assert (
        "without a crash: Completed, ['paid 7', 'shipped'], custom status 'shipped', and [7]"
        in message
    )
    assert "crash before turn 2 was recorded: Completed, " in message
    assert "and [7, 7]\n    ran again: Charge (2 times instead of 1)" in message
    assert "turn 3" not in message
    assert len(raised.value.runs) == 7


async def test_an_idempotent_activity_does_not_change_the_outcome(shop: DurableApp) -> None:
    def charge(amount: int) -> str:
        if amount not in entries():
            entries().append(amount)
        return "paid"

    shop.fake("Charge", side_effect=charge)
    await crash_everywhere(shop, "Order", 7, before=entries().clear, also=lambda: list(entries()))


@pytest.mark.parametrize(
    ("name", "input"), [("Parent", None), ("CountTo", [1, 3]), ("Tally", None), ("Reminder", None)]
)
async def test_orchestrations_without_other_effects_keep_their_outcome(
    shop: DurableApp, name: str, input: object
) -> None:
    runs = await crash_everywhere(shop, name, input)
    assert len(runs) > 4


async def test_crash_everywhere_runs_a_scenario_that_raises_events(shop: DurableApp) -> None:
    async def approved(app: DurableApp) -> InstanceHandle:
        approval = await app.start("Approval")
        await app.advance(hours=5)
        await app.raise_event(approval, "Approval", "yes")
        return await app.finish(approval)

    runs = await crash_everywhere(shop, approved)
    assert [run.output for run in runs] == ["yes"] * 5


def test_crash_everywhere_takes_the_synchronous_app(shop: DurableApp) -> None:
    assert len(crash_everywhere(shop.sync, "Order", 7)) == 7


async def test_crash_everywhere_accepts_an_orchestration_that_always_fails(
    shop: DurableApp,
) -> None:
    runs = await crash_everywhere(shop, "Broken")
    assert {run.status for run in runs} == {"Failed"}


async def test_crash_at_kills_the_host_before_or_after_the_turn_is_recorded(
    shop: DurableApp,
) -> None:
    await shop.crash_at(2)
    assert (await shop.run("Order", 7)).status == "Completed"
    assert (entries(), shop.turns) == ([7, 7], 2)  # the new host ran turns 2 and 3
    await shop.crash_at(2, recorded=True)
    assert (await shop.run("Order", 8)).status == "Completed"
    assert (entries(), shop.turns) == ([7, 7, 8], 1)  # the new host ran turn 3
    with pytest.raises(ValueError, match="requires a turn number from 1, not 0"):
        await shop.crash_at(0)


async def test_a_restarted_host_continues_recorded_instances(shop: DurableApp) -> None:
    approval = await shop.start("Approval")
    await shop.restart()
    await shop.advance(hours=1)
    await shop.restart()
    assert approval.status == "Running"
    assert "the external event 'Approval'" in approval.waiting_for
    await shop.raise_event(approval, "Approval", 1)
    assert approval.output == 1


async def test_reset_empties_the_state_and_restarts_the_clock_and_the_fakes(
    shop: DurableApp,
) -> None:
    began = shop.now
    fake = shop.spy("Charge", failures=[RuntimeError])
    await shop.run("Order", 7)
    await shop.advance(days=1)
    await shop.reset()
    assert (shop.now, shop.instances, fake.calls, shop.activity_runs) == (began, [], [], {})
    assert (await shop.run("Order", 7)).status == "Failed"


async def test_an_http_function_responds_if_the_host_crashes_during_its_request(
    shop: DurableApp,
) -> None:
    await shop.crash_at(1)
    started = await shop.http("POST", "/api/start/Order", 7)
    assert started.status == 202
    assert shop.instance(started.json()["id"]).status == "Completed"


async def test_crash_everywhere_crashes_at_turns_of_entities(shop: DurableApp) -> None:
    runs = await crash_everywhere(shop, "Tally", also=lambda: shop.entity_state("Counter", "a"))
    tally = await shop.run("Tally", instance_id="again")
    batches = 2  # the signal arrives together with the first call
    assert len(runs) == 1 + 2 * (tally.history.turns + batches)
    assert {(run.output, run.also) for run in runs} == {(8, 8)}
