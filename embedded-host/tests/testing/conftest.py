"""The app on disk that the tests of the test kit use: a small shop."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.testing import DurableApp
from embedded_worker.sdk import USES_DURABLETASK
from tests.support.app_folder import AppFolder

SDK_2 = Path(__file__).parent / "sdk2"

ORCHESTRATORS = {
    "Order": """
        paid = yield context.call_activity("Charge", context.get_input())
        shipped = yield context.call_activity("Ship", {"order": paid})
        context.set_custom_status("shipped")
        return [paid, shipped]
        """,
    "Reminder": """
        yield context.create_timer(context.current_utc_datetime + timedelta(days=3))
        yield context.call_activity("Ship", "reminder")
        return context.current_utc_datetime.isoformat()
        """,
    "Approval": """
        hours = timedelta(hours=context.get_input() or 72)
        timeout = context.create_timer(context.current_utc_datetime + hours)
        approved = context.wait_for_external_event("Approval")
        winner = yield context.task_any([approved, timeout])
        if winner is timeout:
            return "timed out"
        timeout.cancel()
        return approved.result
        """,
    "Retrying": """
        retry = df.RetryOptions(60000, 3)
        return (yield context.call_activity_with_retry("Charge", retry, context.get_input()))
        """,
    "Parent": """
        children = [context.call_sub_orchestrator("Child", n) for n in (1, 2, 3)]
        return sum((yield context.task_all(children)))
        """,
    "ApprovalOfChild": """
        id = f"{context.instance_id}:west"
        return (yield context.call_sub_orchestrator("Approval", 1, id))
        """,
    "Child": 'return (yield context.call_activity("Double", context.get_input()))',
    "CountTo": """
        count, end = context.get_input()
        yield context.call_activity("Double", count)
        if count == end:
            return count
        context.continue_as_new([count + 1, end])
        """,
    "Endless": 'yield context.call_activity("Double", 1)\ncontext.continue_as_new(None)',
    "Fetch": """
        response = yield context.call_http("POST", "https://api.example.com/stock", {"item": 7})
        return [response["statusCode"], response["content"]]
        """,
    "Tally": """
        entity = df.EntityId("Counter", "a")
        context.signal_entity(entity, "add", 5)
        yield context.call_entity(entity, "add", 3)
        return (yield context.call_entity(entity, "get"))
        """,
    "Counting": """
        import ledger
        ledger.entries.append("another turn")
        yield context.call_activity("Double" if len(ledger.entries) < 2 else "Ship", 1)
        yield context.call_activity("Double", 2)
        """,
    "Unwritable": """
        yield context.call_activity("Double", 1)
        yield context.call_activity("Double", 2)
        return object()
        """,
    "Broken": 'yield context.call_activity("Double", 1)\nraise ValueError("no such thing")',
}
ACTIVITIES = {
    "Charge": """
        import ledger
        ledger.entries.append(value)
        return f"paid {value}"
        """,
    "Ship": 'return "shipped"',
    "Double": """
        import asyncio
        async def double():
            return 2 * value
        return asyncio.run(double())
        """,
}
TIMER = """\
import ledger


def main(timer):
    ledger.entries.append("tick")
"""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose app is written for another SDK: the test kit runs apps in its process."""
    if item.get_closest_marker("any_sdk") or (SDK_2 in item.path.parents) == USES_DURABLETASK:
        return
    installed, needed = ("2.x", "1.x") if USES_DURABLETASK else ("1.x", "2.x")
    pytest.skip(f"its app is written for SDK {needed}, but {installed} is installed")


def shop_app(root: Path) -> AppFolder:
    app = AppFolder(root, hub="Shop")
    for name, body in ORCHESTRATORS.items():
        app.orchestrator(name, body)
    for name, body in ACTIVITIES.items():
        app.activity(name, body)
    app.counter()
    trigger = {
        "name": "timer",
        "type": "timerTrigger",
        "direction": "in",
        "schedule": "0 0 0 * * *",
    }
    app.function("Nightly", TIMER, trigger)
    app.write("ledger.py", "entries = []\n")
    app.starter()
    return app


@pytest.fixture(scope="session")
def shop_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_app(tmp_path_factory.mktemp("shop") / "shop").root


@pytest.fixture
def shop(shop_root: Path) -> Iterator[DurableApp]:
    with DurableApp(shop_root) as app:
        entries().clear()
        yield app


def entries() -> list[object]:
    """Return the entries that the shop's functions have written to the app's module ``ledger``."""
    entries: list[object] = importlib.import_module("ledger").entries
    return entries
