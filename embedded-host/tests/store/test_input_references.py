"""A long input is written once."""

from __future__ import annotations

import pytest

from embedded_host.engine.events import ExecutionStarted
from embedded_host.store.input_references import LONG
from embedded_host.store.interface import InstanceQuery
from embedded_host.store.sqlite import SqliteStore
from tests.task_hub.kit import HubUnderTest, InlineInvoker


def echo(context):  # type: ignore[no-untyped-def]
    yield context.wait_for_external_event("Go")


@pytest.mark.parametrize(("length", "times"), [(LONG - 1, 3), (LONG, 1), (20 * LONG, 1)])
async def test_a_long_input_is_written_only_once(length: int, times: int) -> None:
    host = HubUnderTest(InlineInvoker({"Echo": echo}))
    store = host.store
    assert isinstance(store, SqliteStore)
    letters = "q" * (length - 2)
    statements: list[str] = []
    store._writer.set_trace_callback(statements.append)
    await host.client.start("Echo", f'"{letters}"', "i-1")
    await host.idle()
    store._writer.set_trace_callback(None)
    assert (
        sum(letters in statement for statement in statements if statement.startswith("INSERT"))
        == times
    )
    (row,) = store.list("Hub", InstanceQuery(), 10)
    assert store.input(row.key) == f'"{letters}"'
    started = next(e for e in store.history(row.key)[0] if isinstance(e, ExecutionStarted))
    assert started.input == f'"{letters}"'
