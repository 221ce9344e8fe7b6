"""Tests that no work is lost or wrong after the scheduler was killed."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from durabletask.entities import EntityInstanceId

from tests.scheduler import kit
from tests.support.polling import eventually

pytestmark = pytest.mark.process
KILLS = int(os.environ.get("SCHEDULER_KILLS", "4"))
LONGEST_PAUSE = 0.3
"""Maximum seconds between the last start of an instance and the kill."""


@pytest.mark.timeout(60 + 8 * KILLS)
def test_killed_schedulers_lose_no_work(tmp_path: Path) -> None:
    expected: dict[str, Any] = {}
    unfinished = 0
    with kit.SchedulerProcess(tmp_path / "state") as scheduler, kit.working(scheduler.address):
        hub = kit.durable_client(scheduler.address)
        for kill in range(KILLS):
            for number, (orchestrator, input, result) in enumerate(kit.CASES * 2):
                id = f"{kill}-{number}"
                eventually(
                    lambda o=orchestrator, i=input, id=id: kit.started(hub, o, i, id),  # type: ignore[misc]
                    f"{id} is started",
                )
                expected[id] = ("completed", result)
            time.sleep(random.uniform(0, LONGEST_PAUSE))
            unfinished += sum(kit.result(hub, id) is None for id in expected)
            scheduler.kill()
            scheduler.start()
        results = {
            id: eventually(lambda id=id: kit.result(hub, id), f"{id} has finished", 60)  # type: ignore[misc]
            for id in expected
        }
        counter = hub.get_entity(EntityInstanceId("counter", "k"))
    wrong = {id: found for id, found in results.items() if found != expected[id]}
    assert wrong == {}
    assert unfinished >= KILLS, "the kills did not interrupt work"
    assert counter is not None
    assert counter.get_state(int) == 2 * 2 * KILLS
