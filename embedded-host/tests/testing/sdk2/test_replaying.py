"""Replay of histories of SDK 2.x with the same code and with changed code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from embedded_host.cli.replay import replay
from embedded_host.engine.events import event_object
from embedded_host.testing import DurableApp, HistoryMismatchError
from tests.testing.sdk2.conftest import SHOP, shop_app

RUNS: list[tuple[str, Any]] = [
    ("order", 7),
    ("reminder", None),
    ("approval", 1),
    ("retrying", 7),
    ("parent", None),
    ("count_to", [1, 3]),
    ("tally", None),
    ("transfer", 5),
    ("broken", None),
    ("compatible", "5"),
    ("fetch", None),
]


CASES = [
    pytest.param(name, input, form, id=f"{name}-{form}")
    for name, input in RUNS
    for form in ("file", "list", "instance", "status")
    # The attempts of a retried call have the same id, so the status shows the time of the last one.
    if (name, form) != ("retrying", "status")
]


@pytest.mark.parametrize(("name", "input", "form"), CASES)
async def test_a_history_of_the_same_code_matches(
    shop: DurableApp, tmp_path: Path, name: str, input: object, form: str
) -> None:
    shop.fake_http("*", body="1")
    if name == "retrying":
        shop.spy("charge", failures=[RuntimeError("no")])
    instance = await shop.run(name, input)
    source: Any = instance
    if form == "file":
        source = instance.history.save(tmp_path / "history.json")
    elif form == "list":
        source = [event_object(event) for event in instance.history]
    elif form == "status":
        url = f"/runtime/webhooks/durabletask/instances/{instance.id}"
        query = "?showHistory=true&showHistoryOutput=true"
        source = (await shop.http("GET", url + query)).json()
    replayed = shop.replay(source)
    assert (replayed.name, replayed.is_finished) == (name, True)
    if instance.status == "Completed":
        assert replayed.output == instance.output


async def test_an_unfinished_history_matches(shop: DurableApp) -> None:
    instance = await shop.start("approval", 1)
    assert shop.replay(instance).is_finished is False
    order = await shop.run("order", 7)
    cut = [event_object(event) for event in order.history][:-4]
    assert shop.replay(cut, name="order").is_finished is False


def changed(old: str, new: str) -> str:
    assert SHOP.count(old) == 1
    return SHOP.replace(old, new)


CHARGE = 'paid = yield ctx.call_activity("charge", input=input)'
SHIP = 'shipped = yield ctx.call_activity("ship", input={"order": paid})'
DOUBLE = 'yield ctx.call_activity("double", input=amount)'
CHANGES = {
    "renamed": (
        "order",
        changed(CHARGE, CHARGE.replace("charge", "double")),
        1,
        ("activity 'charge'", "activity 'double'"),
    ),
    "a timer before": (
        "order",
        changed(CHARGE, f"yield ctx.create_timer(timedelta(hours=1))\n    {CHARGE}"),
        1,
        ("activity 'charge'", "timer due at 2026-01-01T01:00:00Z"),
    ),
    "an activity removed": (
        "order",
        changed(SHIP, "return paid"),
        2,
        ("activity 'ship'", 'it returns "paid 7"'),
    ),
    "an activity at the end": (
        "order",
        changed(SHIP, f'{SHIP}\n    yield ctx.call_activity("double", input=1)'),
        3,
        ("it ends here: Completed", "activity 'double'"),
    ),
    "a wait at the end": (
        "order",
        changed(SHIP, f'{SHIP}\n    yield ctx.wait_for_external_event("Go")'),
        3,
        ("it ends here: Completed", "it waits for the external event 'Go'"),
    ),
    "a failure": (
        "order",
        changed(SHIP, "raise KeyError(paid)"),
        2,
        ("activity 'ship'", "it fails: "),
    ),
    "a call in place of a lock": (
        "transfer",
        changed(
            "with (yield ctx.lock_entities([source, target])):",
            'yield ctx.call_entity(source, "get")\n    if True:',
        ),
        1,
        ("lock of the entity '@counter@source'", "operation for the entity '@counter@source'"),
    ),
    "another entity": (
        "transfer",
        changed(
            'yield ctx.call_entity(source, "add", -amount)', 'yield ctx.call_entity(target, "a")'
        ),
        2,
        (
            "operation for the entity '@counter@source'",
            "operation for the entity '@counter@target'",
        ),
    ),
    "an activity more in the critical section": (
        "transfer",
        changed(DOUBLE, f"yield ctx.create_timer(timedelta(hours=1))\n        {DOUBLE}"),
        3,
        ("activity 'double'", "timer due at 2026-01-01T01:00:00Z"),
    ),
}


@pytest.mark.parametrize(("name", "code", "step", "difference"), CHANGES.values(), ids=CHANGES)
async def test_the_first_different_step_is_reported(
    shop: DurableApp,
    tmp_path: Path,
    name: str,
    code: str,
    step: int,
    difference: tuple[str, str],
) -> None:
    instance = await shop.run(name, 7)
    file = instance.history.save(tmp_path / "history.json")
    shop.close()
    with DurableApp(shop_app(tmp_path / "changed", code).root) as app:
        with pytest.raises(HistoryMismatchError) as raised:
            app.replay(file)
        assert raised.value.step == step
        assert raised.value.expected == difference[0]
        assert raised.value.actual.startswith(difference[1])
        assert 'fail with "NonDeterminismError"' in str(raised.value)


async def test_the_command_compares_a_file_with_the_code(
    shop: DurableApp, shop_root: Path, tmp_path: Path
) -> None:
    instance = await shop.run("transfer", 7)
    file = str(instance.history.save(tmp_path / "history.json"))
    shop.close()
    same = CliRunner().invoke(replay, [file, "--script-root", str(shop_root)])
    assert (same.exit_code, "transfer matches (6 steps, 5 turns)" in same.output) == (0, True)
    other = shop_app(tmp_path / "other", changed(DOUBLE, DOUBLE.replace("double", "ship")))
    failed = CliRunner().invoke(replay, [file, "--script-root", str(other.root)])
    assert (failed.exit_code, "activity 'ship'" in failed.output) == (1, True)


async def test_a_history_of_sdk_1_is_reported_as_such(shop: DurableApp) -> None:
    order = await shop.run("order", 7)
    history: list[dict[str, Any]] = [event_object(event) for event in order.history]
    for event in history:
        for key in ("EventId", "TaskScheduledId"):
            if event.get(key, -1) > 0:
                event[key] -= 1
    with pytest.raises(HistoryMismatchError, match=r"was recorded with SDK 1\.x") as raised:
        shop.replay(history, name="order")
    assert (raised.value.expected, raised.value.actual) == (
        "steps of SDK 1.x",
        "steps of SDK 2.x",
    )
