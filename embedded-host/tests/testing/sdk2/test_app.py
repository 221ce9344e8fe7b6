"""Orchestrations of SDK 2.x in the test kit: time, events, entities, crashes and client calls."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from embedded_host.testing import (
    CrashChangedOutcomeError,
    DurableApp,
    InstanceHandle,
    LivelockError,
    NotFinishedError,
    OrchestrationFailedError,
    UnknownFunctionError,
    crash_everywhere,
)
from embedded_host.testing.events import TaskFailed
from embedded_host.testing.host_run import RPC_BASE
from embedded_worker.sdk2.carrier import carried_target
from tests.testing.sdk2.conftest import entries


async def test_an_orchestration_runs(shop: DurableApp) -> None:
    order = await shop.run("order", {"item": "book"})
    assert order.result() == ["paid {'item': 'book'}", "shipped"]
    assert (order.name, order.status, order.custom_status) == ("order", "Completed", "shipped")
    assert order.input == {"item": "book"}
    assert [(call.name, call.input, call.result) for call in order.history.activities] == [
        ("charge", {"item": "book"}, "paid {'item': 'book'}"),
        ("ship", {"order": "paid {'item': 'book'}"}, "shipped"),
    ]
    assert shop.activity_runs == {"charge": 1, "ship": 1}


def test_the_synchronous_app_runs_an_orchestration(shop: DurableApp) -> None:
    assert shop.sync.run("order", 7).output == ["paid 7", "shipped"]


@pytest.mark.parametrize("input", ["5", "text", 5, [1], None, {"a": None}, '"'])
async def test_an_input_arrives_as_it_was_passed(shop: DurableApp, input: object) -> None:
    charge = shop.spy("charge")
    child = shop.fake("child", side_effect=lambda n: n)
    instance = await shop.run("compatible", input)
    assert (instance.input, charge.calls) == (input, [input])
    assert instance.history.activities[0].input == input
    counter = shop.fake("counter")
    caller = await shop.run("delegating", input)
    assert (child.calls, counter.calls) == ([input], [("note", input)])
    assert caller.history.sub_orchestrations[0].input == input
    assert caller.history.entity_calls[0].input == input


async def test_an_object_of_a_class_of_the_app_is_converted(shop: DurableApp) -> None:
    parcel = sys.modules["function_app"].Parcel
    weighed = await shop.run("weighing", parcel(3))
    assert (weighed.input, weighed.output) == (parcel(3), parcel(4))
    assert weighed.history.activities[0].input == parcel(3)


async def test_time_moves_only_in_the_test(shop: DurableApp) -> None:
    start = shop.now
    reminder = await shop.start("reminder")
    await shop.advance(days=2, hours=23)
    assert (reminder.status, shop.activity_runs) == ("Running", {})
    assert "the timer due at 2026-01-04T00:00:00" in reminder.waiting_for
    await shop.advance(hours=1)
    assert reminder.output == "2026-01-04T00:00:00"
    assert [timer.due for timer in reminder.history.timers] == [start + timedelta(days=3)]
    assert entries() == ["tick"] * 3, "the function nightly"


async def test_an_event_is_delivered_to_a_waiting_orchestration(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    assert "the external event 'Approval'" in approval.waiting_for
    await shop.raise_event(approval, "approval", {"by": "me"})
    assert approval.output == {"by": "me"}
    assert approval.history.raised_events[0].value == {"by": "me"}


async def test_an_event_without_a_value_has_the_value_none(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    await shop.raise_event(approval, "Approval")
    assert (approval.status, approval.output) == ("Completed", None)


async def test_an_orchestration_sends_an_event(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    sender = await shop.run("notifying", approval.id)
    assert approval.output == {"by": sender.id}
    (sent,) = sender.history.sent_events
    assert (sent.instance_id, sent.name, sent.value) == (
        approval.id,
        "Approval",
        {"by": sender.id},
    )


async def test_an_orchestration_that_waits_for_an_event_has_not_finished(shop: DurableApp) -> None:
    approval = await shop.start("approval", 48)
    with pytest.raises(NotFinishedError, match="the external event 'Approval'"):
        await shop.finish(approval, timeout=timedelta(hours=1))
    assert (await shop.finish(approval)).output == "timed out"


async def test_suspend_resume_and_terminate(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    await shop.suspend(approval, "audit")
    await shop.raise_event(approval, "Approval", 1)
    assert approval.status == "Suspended"
    await shop.resume(approval)
    assert approval.output == 1
    other = await shop.start("approval", 1)
    await shop.terminate(other, "stop")
    assert (other.status, other.output) == ("Terminated", "stop")


async def test_entities_keep_state_and_locks_are_released(shop: DurableApp) -> None:
    assert (await shop.run("tally")).output == 8
    transfer = await shop.run("transfer", 5)
    assert transfer.result() == "moved"
    states = [shop.entity_state("counter", key) for key in ("a", "source", "target")]
    assert states == [8, -5, 5]
    await shop.signal_entity("counter", "a", "add", 2)
    assert shop.entity_state("counter", "a") == 10
    assert [call.operation for call in transfer.history.entity_calls] == ["add", "add"]
    (lock,) = transfer.history.locks
    assert (lock.entities, lock.locked_at) == (("@counter@source", "@counter@target"), lock.at)


async def test_a_failure_has_the_error_of_the_sdk(shop: DurableApp) -> None:
    broken = await shop.run("broken")
    assert (broken.status, broken.output) == ("Failed", "builtins.ValueError: no such thing")
    with pytest.raises(OrchestrationFailedError, match="ValueError: no such thing"):
        broken.result()


async def test_continue_as_new_without_a_wait_is_a_livelock(shop_root: Any) -> None:
    with DurableApp(shop_root, limit=50) as app:
        assert (await app.run("count_to", [1, 3])).output == 3
        with pytest.raises(LivelockError):
            await app.run("endless")


async def test_an_unknown_name_raises_unknown_function_error(shop: DurableApp) -> None:
    with pytest.raises(UnknownFunctionError, match=r"no orchestrator 'ordre'\. Did you mean"):
        await shop.run("ordre")
    with pytest.raises(UnknownFunctionError) as raised:
        shop.fake("Zzz")
    assert "BuiltIn" not in str(raised.value)


# -- crashes ---------------------------------------------------------------------------------------


async def test_a_restart_keeps_instances_and_their_waits(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    await shop.restart()
    assert "the external event 'Approval'" in approval.waiting_for
    await shop.raise_event(approval, "Approval", "yes")
    assert approval.output == "yes"


async def test_a_crash_before_a_record_runs_the_activity_again(shop: DurableApp) -> None:
    await shop.crash_at(2)
    assert (await shop.run("order", 7)).output == ["paid 7", "shipped"]
    assert shop.activity_runs == {"charge": 2, "ship": 1}


async def test_an_activity_whose_worker_was_killed_fails(shop: DurableApp) -> None:
    shop.kill_worker_during("charge")
    order = await shop.run("order", 7)
    assert "Exception while executing function: Functions.charge" in str(order.output)
    assert shop.activity_runs["charge"] == 1


async def test_an_orchestrator_whose_worker_was_killed_runs_again(shop: DurableApp) -> None:
    shop.kill_worker_during("order", times=2)
    assert (await shop.run("order", 7)).output == ["paid 7", "shipped"]


@pytest.mark.parametrize(
    ("name", "input"),
    [
        ("order", 7),
        ("parent", None),
        ("tally", None),
        ("transfer", 5),
        ("count_to", [1, 3]),
        ("broken", None),
        ("retrying", 1),
    ],
)
async def test_crashes_do_not_change_an_outcome(shop: DurableApp, name: str, input: object) -> None:
    if name == "retrying":
        shop.spy("charge", failures=[RuntimeError("no")])

    def states() -> list[Any]:
        return [shop.entity_state("counter", key) for key in ("a", "source", "target")]

    runs = await crash_everywhere(shop, name, input, also=states)
    assert len(runs) == 1 + 2 * max(run.turn for run in runs)


async def test_a_crash_that_changes_an_outcome_is_found(shop: DurableApp) -> None:
    def clear() -> None:
        entries().clear()

    with pytest.raises(CrashChangedOutcomeError, match="ran again: charge"):
        await crash_everywhere(shop, "order", 7, before=clear, also=lambda: list(entries()))


async def test_a_scenario_with_an_event_survives_crashes(shop: DurableApp) -> None:
    async def scenario(app: DurableApp) -> InstanceHandle:
        approval = await app.start("approval", 1)
        await app.raise_event(approval, "Approval", "yes")
        return await app.finish(approval)

    assert {run.output for run in await crash_everywhere(shop, scenario)} == {"yes"}


async def test_code_that_changes_between_turns_fails(shop: DurableApp) -> None:
    instance = await shop.run("counting")
    assert instance.status == "Failed"
    assert "NonDeterminismError" in instance.output


# -- the client ------------------------------------------------------------------------------------


async def test_an_http_function_starts_an_orchestration(shop: DurableApp) -> None:
    started = await shop.http("POST", "/api/start/order", {"item": "book"})
    assert started.status == 202
    instance = shop.instance(started.json()["id"])
    assert instance.output == ["paid {'item': 'book'}", "shipped"]
    shown = await shop.http("GET", started.json()["statusQueryGetUri"])
    assert shown.json()["runtimeStatus"] == "Completed"
    status = await shop.http("GET", f"/api/status/{instance.id}")
    assert status.text.startswith("COMPLETED [")


async def test_an_http_function_raises_an_event(shop: DurableApp) -> None:
    approval = await shop.start("approval", 1)
    assert (await shop.http("GET", f"/api/approve/{approval.id}")).text == "ok"
    assert approval.output == [1, "2"]


async def test_a_function_in_a_thread_waits_for_an_orchestration(shop: DurableApp) -> None:
    response = await shop.http("GET", "/api/sync/order")
    assert (response.status, response.json()) == (200, ["paid 7", "shipped"])


GRPC_TARGET = urlsplit(RPC_BASE).netloc


def test_apps_one_after_the_other_have_their_own_clients(shop_root: Any) -> None:
    for _ in range(2):
        with DurableApp(shop_root) as app:
            assert app.sync.http("GET", "/api/sync/order").json() == ["paid 7", "shipped"]
            assert len(app.instances) == 1
        assert carried_target(GRPC_TARGET) is None


# -- fakes -----------------------------------------------------------------------------------------


async def test_a_fake_activity_returns_and_raises(shop: DurableApp) -> None:
    charge = shop.fake("charge", return_value="gift")
    assert (await shop.run("order", 7)).output == ["gift", "shipped"]
    charge.assert_called_once_with(7)
    shop.fake("charge", side_effect=KeyError("no card"))
    caught = await shop.run("catching")
    assert caught.output == ["KeyError", "'no card'"]
    failed = next(event for event in caught.history if isinstance(event, TaskFailed))
    assert failed.failure_details is not None
    assert failed.failure_details.error_type == "KeyError"


async def test_a_spy_fails_and_then_runs_the_code(shop: DurableApp) -> None:
    charge = shop.spy("charge", failures=[RuntimeError("one"), RuntimeError("two")])
    retrying = await shop.run("retrying", 7)
    assert (retrying.output, charge.call_count) == ("paid 7", 3)
    assert [timer.fired for timer in retrying.history.timers] == [True, True]
    assert [(call.result, call.attempt) for call in retrying.history.activities] == [
        (None, 1),
        (None, 2),
        ("paid 7", 3),
    ]


async def test_a_fake_orchestrator_returns_and_raises(shop: DurableApp) -> None:
    child = shop.fake("child", side_effect=[10, None, 5])
    assert (await shop.run("parent")).status == "Failed"  # 10 + None
    child.side_effect = [10, 20, 30]
    assert (await shop.run("parent")).output == 60
    child.side_effect = ValueError("no child")
    caught = await shop.run("catching")
    assert caught.output == ["builtins.ValueError", "no child"]
    failed = await shop.run("child", 1)
    assert (failed.status, failed.output) == ("Failed", "builtins.ValueError: no child")


async def test_a_fake_entity_returns_and_raises(shop: DurableApp) -> None:
    counter = shop.fake("counter", return_value=100)
    assert (await shop.run("tally")).output == 100
    assert counter.calls == [("add", 5), ("add", 3), ("get", None)]
    assert shop.entity_state("counter", "a") is None
    counter.side_effect = ValueError("closed")
    assert (await shop.run("transfer", 1)).status == "Failed"


async def test_the_failure_of_a_fake_entity_is_that_of_an_entity(shop: DurableApp) -> None:
    failure = (await shop.run("broken_entity")).output
    assert "closed" in failure[0]
    shop.fake("counter", side_effect=ValueError("closed"))
    assert (await shop.run("broken_entity")).output == failure


async def test_a_spy_of_an_entity_runs_its_code(shop: DurableApp) -> None:
    counter = shop.spy("counter")
    assert (await shop.run("tally")).output == 8
    assert counter.call_count == 3


async def test_http_requests_have_fake_responses(shop: DurableApp) -> None:
    missing = await shop.run("fetch")
    assert "no fake matches POST https://api.example.com/stock" in missing.output
    stock = shop.fake_http("https://api.example.com/*", status=201, body={"left": 3})
    fetched = await shop.run("fetch")
    assert fetched.output == [201, '{"left": 3}']
    assert (stock.calls[0].method, stock.calls[0].content) == ("POST", '{"item": 7}')
    assert [call.result.content for call in fetched.history.http_calls] == ['{"left": 3}']
    assert fetched.history.sub_orchestrations == []
    assert shop.activity_runs == {}


async def test_a_response_202_is_polled(shop: DurableApp) -> None:
    shop.fake_http(
        "https://api.example.com/stock",
        status=202,
        headers={"Location": "/operations/1", "Retry-After": "60"},
    )
    done = shop.fake_http("https://api.example.com/operations/1", body="done")
    start = shop.now
    assert (await shop.run("fetch")).output == [200, "done"]
    assert (done.calls[0].method, shop.now) == ("GET", start + timedelta(minutes=1))


async def test_a_long_history_is_replayed_from_memory(shop: DurableApp) -> None:
    chained = await shop.run("chain", 150)
    assert chained.output == 300
    assert len(chained.history) > 600
