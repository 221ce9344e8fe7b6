"""The cost of a purge by filter: its duration, the longest stall of the event loop, the file size.

A stall is a time in which the event loop runs no other task. The task hub runs in this process. It
has the store and the group commit of a host, but no HTTP server.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar, cast

from benchmarks.bench import Bench
from benchmarks.figures import Figure, figure
from benchmarks.filling import HUB, Model, fill
from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.store.files import STATE_FILE
from embedded_host.store.interface import InstanceQuery, InstanceRow
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import HubClient
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.task_hub.hub import HubDependencies, TaskHub
from embedded_host.task_hub.invoker import Invoker
from embedded_host.task_hub.settings import HubSettings

T = TypeVar("T")
TICK = 0.001
_NO_INVOKER = cast(Invoker, None)
"""The invoker is not used, because all instances have finished."""


async def purge(bench: Bench) -> list[Figure]:
    """Measure purges of finished instances."""
    count = bench.sizes.purged
    totals: list[float] = []
    stalls: list[float] = []
    busy: list[float] = []
    listing: list[float] = []
    idle: list[float] = []
    selective: list[float] = []
    shrink: list[float] = []
    shrink_stalls: list[float] = []
    sizes: list[float] = []
    for number in range(bench.rounds):
        folder = bench.folder / f"purge-{number}"
        model = _model()
        track = partial(bench.progress.track, description=f"writing {count:,} finished instances")
        fill(folder, model, model, count, count, track)
        file = folder / STATE_FILE
        with closing(SqliteStore(file)) as store:
            commit = GroupCommit(store)
            # A host also excludes the objects of its startup from garbage collection.
            gc.collect()
            gc.freeze()
            client = HubClient(
                TaskHub(HUB, HubSettings(), HubDependencies(store, commit, _NO_INVOKER))
            )
            idle.append((await _watched(asyncio.sleep(1))).stall)
            listing.append((await _watched(client.list(InstanceQuery(), count))).stall)
            no_instance = InstanceQuery(updated_to=datetime(2000, 1, 1, tzinfo=timezone.utc))
            selective.append((await _watched(client.purge_many(no_instance))).stall)
            purged = await _watched(client.purge_many(InstanceQuery()))
            if purged.result != count:
                raise RuntimeError(f"{purged.result} of {count} instances were deleted")
            totals.append(purged.seconds)
            stalls.append(purged.stall)
            busy.append(purged.busy)
            before = file.stat().st_size
            shrunk = await _watched(_shrunk(file, before / 10))
            shrink.append(shrunk.seconds)
            shrink_stalls.append(shrunk.stall)
            sizes.append(100 * file.stat().st_size / before)
            await commit.close()
            gc.unfreeze()
        bench.progress.log(
            f"purge: {totals[-1]:.2f} s, longest stall {stalls[-1]:.1f} ms (idle {idle[-1]:.1f} ms)"
        )
    key, title = f"purge_{count}", f"purge of {count:,} finished instances"
    return [
        figure(f"{key}_s", title, "s", totals),
        figure(f"{key}_stall", f"{title}: longest stall of the event loop", "ms", stalls),
        figure(
            f"{key}_busy",
            f"{title}: longest CPU time between two rounds of the event loop",
            "ms",
            busy,
        ),
        figure(
            f"{key}_stall_list",
            f"list of {count:,} finished instances: longest stall",
            "ms",
            listing,
        ),
        figure(
            f"{key}_stall_no_match",
            f"{title} without a match: longest stall",
            "ms",
            selective,
        ),
        figure(
            f"{key}_stall_idle", f"{title}: longest stall of the idle event loop before", "ms", idle
        ),
        figure(
            f"{key}_shrink_s", f"{title}: time until the file is a tenth of its size", "s", shrink
        ),
        figure(f"{key}_shrink_stall", f"{title}: longest stall meanwhile", "ms", shrink_stalls),
        figure(f"{key}_size", f"{title}: size of the file then", "%", sizes),
    ]


def _model() -> Model:
    """Return a finished instance with one activity."""
    created = datetime(2026, 1, 1, tzinfo=timezone.utc)
    ended = created + timedelta(seconds=1)
    row = InstanceRow(
        1, HUB, "model", "Hello", "Completed", created, ended, "model-execution", output='"Hello"'
    )
    started = h.execution_started(
        created, instance_id="model", execution_id="model-execution", name="Hello", input="1"
    )
    turns: list[list[HistoryEvent]] = [
        [
            h.orchestrator_started(created),
            started,
            h.task_scheduled(created, 0, "Echo"),
            h.orchestrator_completed(created),
        ],
        [
            h.orchestrator_started(ended),
            h.task_completed(ended, 0, '"Hello"'),
            h.execution_completed(ended, 1, "Completed", '"Hello"'),
            h.orchestrator_completed(ended),
        ],
    ]
    return Model(row, "1", tuple(map(tuple, turns)))


@dataclass(frozen=True)
class Watched(Generic[T]):
    """The result of an awaitable, and the stalls of the event loop while it ran."""

    result: T
    seconds: float
    stall: float
    """The longest time between two rounds of the event loop in milliseconds."""
    busy: float
    """The longest CPU time of the thread between two rounds in milliseconds.

    On a machine without other load, it is equal to the stall.
    """


async def _watched(awaitable: Awaitable[T]) -> Watched[T]:
    stall = busy = 0.0
    last, last_cpu = time.perf_counter(), time.thread_time()

    async def tick() -> None:
        nonlocal stall, busy, last, last_cpu
        while True:
            await asyncio.sleep(TICK)
            now, cpu = time.perf_counter(), time.thread_time()
            stall, busy = max(stall, now - last - TICK), max(busy, cpu - last_cpu)
            last, last_cpu = now, cpu

    ticking = asyncio.ensure_future(tick())
    began = time.perf_counter()
    try:
        result = await awaitable
        seconds = time.perf_counter() - began
        await asyncio.sleep(2 * TICK)  # a stall at the end counts, too
    finally:
        ticking.cancel()
    return Watched(result, seconds, stall * 1000, busy * 1000)


async def _shrunk(file: Path, size: float) -> None:
    deadline = time.monotonic() + 60
    while file.stat().st_size > size:  # noqa: ASYNC240
        if time.monotonic() > deadline:
            raise RuntimeError(f"{file} still has more than {size:,.0f} bytes after 60 s")
        await asyncio.sleep(0.02)
