"""Replay of histories with the same code and with changed code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.events import event_object
from embedded_host.testing import (
    DurableApp,
    HistoryMismatchError,
    InstanceHandle,
    UnreadableHistoryError,
)
from tests.testing.conftest import shop_app

RUNS: list[tuple[str, Any]] = [
    ("Order", 7),
    ("Reminder", None),
    ("Approval", 1),
    ("Retrying", 7),
    ("Parent", None),
    ("CountTo", [1, 3]),
    ("Tally", None),
    ("Broken", None),
    ("Unwritable", None),
]


def recorded_objects(instance: InstanceHandle) -> list[dict[str, Any]]:
    return [event_object(event) for event in instance.history]


async def status_api(app: DurableApp, instance_id: str) -> dict[str, Any]:
    url = f"/runtime/webhooks/durabletask/instances/{instance_id}"
    query = "?showHistory=true&showHistoryOutput=true"
    status: dict[str, Any] = (await app.http("GET", url + query)).json()
    return status


@pytest.mark.parametrize(("name", "input"), RUNS)
@pytest.mark.parametrize("form", ["file", "list", "instance", "strings", "status"])
async def test_a_history_of_the_same_code_matches(
    shop: DurableApp, tmp_path: Path, name: str, input: object, form: str
) -> None:
    if name == "Retrying":
        shop.spy("Charge", failures=[RuntimeError])
    instance = await shop.run(name, input)
    source: Any = instance
    if form == "file":
        source = instance.history.save(tmp_path / "history.json")
    elif form == "list":
        source = recorded_objects(instance)
    elif form == "strings":  # the form of the rows in Azure Storage tables
        source = [
            {
                **event,
                "EventType": "TaskScheduled" if event["EventType"] == 4 else event["EventType"],
            }
            for event in recorded_objects(instance)
        ]
    elif form == "status":
        source = await status_api(shop, instance.id)
    replayed = shop.replay(source)
    assert (replayed.name, replayed.is_finished) == (name, True)
    if instance.status == "Completed":
        assert replayed.output == instance.output


async def test_an_unfinished_history_matches(shop: DurableApp) -> None:
    instance = await shop.start("Approval", 1)
    assert shop.replay(instance).is_finished is False
    cut = recorded_objects(await shop.run("Order", 7))[:-4]
    assert shop.replay(cut, name="Order").is_finished is False


CHANGES = {
    "renamed": (
        'paid = yield context.call_activity("Double", 1)\nreturn [paid]',
        2,
        ("activity 'Charge'", "activity 'Double'"),
        1,
    ),
    "a timer before": (
        """
        yield context.create_timer(context.current_utc_datetime)
        yield context.call_activity("Charge", context.get_input())
        """,
        1,
        ("activity 'Charge'", "timer due at 2026-01-01T00:00:00Z"),
        1,
    ),
    "an activity removed": (
        'return (yield context.call_activity("Charge", context.get_input()))',
        2,
        ("activity 'Ship'", 'it returns "paid 7"'),
        2,
    ),
    "an activity at the end": (
        """
        yield context.call_activity("Charge", 1)
        yield context.call_activity("Ship", 1)
        yield context.call_activity("Double", 1)
        """,
        3,
        ("it ends here: Completed", "activity 'Double'"),
        3,
    ),
    "a wait at the end": (
        """
        yield context.call_activity("Charge", 1)
        yield context.call_activity("Ship", 1)
        yield context.wait_for_external_event("Go")
        """,
        3,
        ("it ends here: Completed", "it waits for the external event 'Go'"),
        3,
    ),
    "a parallel activity": (
        """
        tasks = [context.call_activity("Charge", 1), context.call_activity("Double", 1)]
        yield context.task_all(tasks)
        """,
        2,
        ("activity 'Ship' is next, in a later turn", "activity 'Double'"),
        1,
    ),
    "an error": (
        """
        yield context.call_activity("Charge", 1)
        raise ValueError("not today")
        """,
        2,
        ("activity 'Ship'", "it fails: "),
        2,
    ),
}


@pytest.mark.parametrize("form", ["exact", "status"])
@pytest.mark.parametrize("change", list(CHANGES))
async def test_changed_code_fails_with_the_first_step_that_differs(
    shop_root: Path, tmp_path: Path, change: str, form: str
) -> None:
    with DurableApp(shop_root) as before:
        order = await before.run("Order", 7)
        history: Any = recorded_objects(order)
        if form == "status":
            history = await status_api(before, order.id)
    body, step, (expected, actual), turn = CHANGES[change]
    changed = shop_app(tmp_path / "changed")
    changed.orchestrator("Order", body)
    with DurableApp(changed.root) as after, pytest.raises(HistoryMismatchError) as mismatch:
        after.replay(history)
    error = mismatch.value
    if form == "exact":
        assert (error.step, error.turn) == (1 if change == "renamed" else step, turn)
        assert error.expected.startswith(expected)
        assert error.actual.startswith(actual)
    assert "does not match the code: Order '" in str(error)
    assert "the history: " in str(error)


async def test_other_inputs_and_outputs_match(shop_root: Path, tmp_path: Path) -> None:
    with DurableApp(shop_root) as before:
        file = (await before.run("Order", 7)).history.save(tmp_path / "history.json")
    changed = shop_app(tmp_path / "changed")
    changed.orchestrator(
        "Order",
        """
        paid = yield context.call_activity("Charge", "another input")
        yield context.call_activity("Ship", None)
        return paid.upper()
        """,
    )
    with DurableApp(changed.root) as after:
        assert after.replay(file).output == "PAID 7"


async def test_the_name_of_the_call_replaces_the_recorded_name(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    assert shop.sync.replay(order, name="order").turns == 3
    with pytest.raises(HistoryMismatchError, match=r"differs at step 1 \(turn 1\)"):
        shop.replay(order, name="Reminder")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not valid JSON"),
        ('{"name": "Order"}', "contains no history"),
        ('[{"EventType": 12, "Timestamp": "2026-01-01T00:00:00Z"}]', "is not a complete history"),
    ],
)
def test_an_unreadable_history_raises_with_the_reason(
    shop: DurableApp, tmp_path: Path, content: str, reason: str
) -> None:
    file = tmp_path / "history.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableHistoryError, match=reason):
        shop.replay(file)


async def test_a_status_without_results_is_refused(shop: DurableApp) -> None:
    order = await shop.run("Order", 7)
    url = f"/runtime/webhooks/durabletask/instances/{order.id}?showHistory=true"
    status = (await shop.http("GET", url)).json()
    with pytest.raises(UnreadableHistoryError, match="showHistoryOutput=true"):
        shop.replay(status)


@pytest.mark.parametrize("form", ["exact", "status"])
async def test_a_terminated_history_is_compared_until_the_termination(
    tmp_path: Path, form: str
) -> None:
    waiting = shop_app(tmp_path / "waiting")
    waiting.orchestrator("Approval", 'yield context.wait_for_external_event("Go")')
    with DurableApp(waiting.root) as app:
        instance = await app.start("Approval")
        await app.terminate(instance, "enough")
        history: Any = (
            recorded_objects(instance) if form == "exact" else await status_api(app, instance.id)
        )
        assert app.replay(history, name="Approval").is_finished is False
    changed = shop_app(tmp_path / "changed")
    changed.orchestrator("Approval", 'return "at once"')
    with DurableApp(changed.root) as after:
        assert after.replay(history, name="Approval").output == "at once"


async def test_a_history_of_sdk_2_is_reported_as_such(shop: DurableApp) -> None:
    history = recorded_objects(await shop.run("Order", 7))
    for event in history:
        for key in ("EventId", "TaskScheduledId"):
            if event.get(key, -1) >= 0:
                event[key] += 1
    with pytest.raises(HistoryMismatchError, match=r"was recorded with SDK 2\.x"):
        shop.replay(history, name="Order")
