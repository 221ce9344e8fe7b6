"""The short crash run: a host under mixed load crashes once in each way, and its state is checked.

The environment variable EMBEDDED_HOST_KILLS makes the run longer, and EMBEDDED_HOST_SEED repeats a
run that failed. ``python -m tests.crash`` has more options.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.crash import shim
from tests.crash.run import Run
from tests.crash.sessions import once_each

SEED = int(os.environ.get("EMBEDDED_HOST_SEED") or random.SystemRandom().randrange(10**6))
ENDS = once_each(shim=shim.reason_for_absence() is None)
KILLS = max(int(os.environ.get("EMBEDDED_HOST_KILLS") or 0), len(ENDS) + 1)
"""Number of kills. It is sufficient for each kind of end and for the last kill.

It includes the sessions with a disk fault, in which the fault may not occur before the kill.
"""


@pytest.mark.any_sdk
@pytest.mark.timeout(300 + 60 * KILLS)  # the run takes half a minute on an idle machine
async def test_acknowledged_requests_take_effect_exactly_once(tmp_path: Path) -> None:
    run = Run(tmp_path, SEED, kills=KILLS, kills_a_state=KILLS, verbose=True)
    if run.without_shim:
        print(f"the run has no disk faults and no power cuts: {run.without_shim}")
    tally = await run.run()
    print(f"EMBEDDED_HOST_SEED={SEED} EMBEDDED_HOST_KILLS={KILLS}\n{tally.summary()}")
    assert [str(finding) for finding in tally.findings] == []
    assert tally.kills >= KILLS
    assert set(ENDS) <= set(tally.ends)
    assert tally.events > 0
