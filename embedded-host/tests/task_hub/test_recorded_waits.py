from __future__ import annotations

from dataclasses import replace

from embedded_host.history import WaitKind
from embedded_host.task_hub.recorded_waits import recorded_history, recorded_waits
from tests.task_hub.waiting_app import BEGAN, diagnosed, new_gated_hub


async def test_the_recorded_waits_are_those_of_the_diagnosis() -> None:
    host, _ = new_gated_hub()
    await host.start("Several")
    row = host.store.instance("Hub", "i-1")
    assert row is not None
    view = recorded_history(host.store, row)
    waits = recorded_waits(host.store, row, view)
    assert [wait.document() for wait in waits] == (await diagnosed(host))["waitsFor"]
    assert (waits[1].kind, waits[1].name, waits[1].since) == (WaitKind.EVENT, "Go", BEGAN)
    assert recorded_waits(host.store, replace(row, continued=True), view) == []
