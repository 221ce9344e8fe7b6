"""The short run: a host under mixed load dies once in each way that there is, and then everything is checked.

EMBEDDED_HOST_KILLS makes it longer (``python -m tests.crash`` is made for that), EMBEDDED_HOST_SEED repeats a run that failed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.crash import shim
from tests.crash.lives import once_each
from tests.crash.run import Run

SEED = int(os.environ.get("EMBEDDED_HOST_SEED") or random.SystemRandom().randrange(10**6))
WAYS = once_each(shim=shim.why_not() is None)
KILLS = max(int(os.environ.get("EMBEDDED_HOST_KILLS") or 0), len(WAYS) + 1)
"""With the one at rest: enough for each of the ways also if no disk gets to its fault before it is killed."""


@pytest.mark.timeout(300 + 60 * KILLS)  # half a minute on a machine with nothing else to do
async def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    run = Run(tmp_path, SEED, kills=KILLS, kills_a_state=KILLS, verbose=True)
    if run.without_shim:
        print(f"no failing disks and no power cuts: {run.without_shim}")
    tally = await run.run()
    print(f"EMBEDDED_HOST_SEED={SEED} EMBEDDED_HOST_KILLS={KILLS}\n{tally.summary()}")
    assert [str(finding) for finding in tally.findings] == []
    assert tally.kills >= KILLS
    assert set(WAYS) <= set(tally.ends)
    assert tally.events > 0
