"""An app and a state file with the instances that the jobs of ``test_jobs`` are about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

from embedded_host.engine import history as h
from embedded_host.store.files import STATE_FILE
from embedded_host.store.interface import (
    AppendHistory,
    Change,
    InstanceRow,
    SaveInstance,
    SetInput,
)
from embedded_host.store.sqlite import SqliteStore
from tests.support.app_folder import AppFolder

HUB = "Jobs"
FINISHED = 20_000
"""Number of instances in the state file before the host starts."""
MONTH = timedelta(days=30)
"""The age of the oldest one."""
CAUSES = {
    "Charge": (180, "ConnectionError: the gateway did not respond to request …"),
    "Weigh": (80, "ValueError: parcel … has no weight"),
    "Label": (40, "KeyError: 'printer …'"),
}
"""The failing activities, each with the number of its failures and the message of their cause."""
FAILURES = sum(count for count, _ in CAUSES.values())


def jobs_app(root: Path, outage: Path) -> AppFolder:
    """Write the app. The activities of ``CAUSES`` fail while the file ``outage`` exists."""
    app = AppFolder(root, hub=HUB)
    app.starter()
    app.orchestrator(
        "Deliver",
        """
        order = context.get_input()
        return (yield context.call_activity(order["step"], order["number"]))
        """,
    )
    for name, error in (
        ("Charge", "ConnectionError(f'the gateway did not respond to request {value}')"),
        ("Weigh", "ValueError(f'parcel {value} has no weight')"),
        ("Label", "KeyError(f'printer {value}')"),
    ):
        app.activity(
            name,
            f"""
            import os
            if os.path.exists({str(outage)!r}):
                raise {error}
            return value
            """,
        )
    app.orchestrator(
        "PickAll",
        """
        options = df.RetryOptions(1, 3)
        yield context.task_all(
            [context.call_activity_with_retry("Pick", options, n) for n in range(200)]
        )
        """,
    )
    app.activity(
        "Pick",
        """
        if value in (57, 133):
            raise ValueError(f"no stock of item {value}")
        return value
        """,
    )
    app.orchestrator(
        "Stocktaking",
        'yield context.call_sub_orchestrator("Region", None, context.instance_id + ":west")',
    )
    app.orchestrator(
        "Region",
        'yield context.call_sub_orchestrator("Shelf", None, context.instance_id + ":7")',
    )
    app.orchestrator("Shelf", 'return (yield context.wait_for_external_event("StockCounted"))')
    app.orchestrator("Approve", 'return (yield context.wait_for_external_event("Approval"))')
    app.orchestrator("Pack", 'return (yield context.call_activity("Wrap", "vase"))')
    app.activity(
        "Wrap",
        """
        import logging
        logging.info("wrapping the %s", value)
        logging.warning("the %s is fragile", value)
        return value
        """,
    )
    return app


def fill(state: Path) -> None:
    """Write ``FINISHED`` completed instances into a new state file."""
    state.mkdir()
    store = SqliteStore(state / STATE_FILE, fsync=False)
    try:
        oldest = datetime.now(timezone.utc) - MONTH
        changes: list[Change] = []
        for n in range(FINISHED):
            changes += _finished(n + 1, oldest + MONTH * (n / (FINISHED + 1)))
        store.write(changes)
    finally:
        store.close()


def _finished(key: int, created: datetime) -> Iterator[Change]:
    """Yield the changes that write a completed instance, which has called no function."""
    id, execution = f"order-{key:05}", str(UUID(int=key, version=4))
    input = json.dumps(json.dumps({"step": "Charge", "number": f"A-{key:05}"}))
    output = json.dumps(f"A-{key:05}")
    updated = created + timedelta(milliseconds=key % 900 + 20)
    yield SaveInstance(
        InstanceRow(
            key, HUB, id, "Deliver", "Completed", created, updated, execution, output=output
        )
    )
    yield SetInput(key, input)
    started = h.execution_started(
        created, instance_id=id, execution_id=execution, name="Deliver", input=input
    )
    completed = h.execution_completed(updated, 0, "Completed", output)
    yield AppendHistory(
        key,
        0,
        (h.orchestrator_started(created), started, completed, h.orchestrator_completed(updated)),
    )
