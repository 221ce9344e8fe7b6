"""The cost of waiting instances: CPU time, memory per instance, and the startup time of a host."""

from __future__ import annotations

import asyncio
from functools import partial

from benchmarks.bench import Bench
from benchmarks.client import UnexpectedResponseError, run_concurrently
from benchmarks.figures import Figure, figure
from benchmarks.host import Host

_KINDS = {"timers": ("Sleeper", b"86400"), "events": ("Waiter", None)}


async def waiting(bench: Bench) -> list[Figure]:
    """Measure instances that wait for timers, and instances that wait for events."""
    async with bench.host("idle") as host:
        await asyncio.sleep(bench.sizes.settle)
        empty_memory = host.memory_mib
        empty_cpu = await _cpu_during(host, bench.sizes.watched)
    watched = f"CPU in {bench.sizes.watched:g} s"
    bench.progress.log(f"idle host: {watched}: {empty_cpu:.3f} s, {empty_memory:.1f} MiB")
    figures = [
        figure("waiting_nothing_cpu", f"{watched}: host without instances", "s", [empty_cpu])
    ]
    for kind in _KINDS:
        figures += await _of_kind(bench, kind, empty_cpu, empty_memory)
    return figures


async def _of_kind(bench: Bench, kind: str, empty_cpu: float, empty_memory: float) -> list[Figure]:
    count = bench.sizes.waiting
    key, watched = f"waiting_{count}_{kind}", f"CPU in {bench.sizes.watched:g} s"
    once, twice = f"{count:,} waiting for {kind}", f"{2 * count:,} waiting for {kind}"
    state = f"waiting-{kind}"
    async with bench.host(state) as host:
        await run_concurrently(host.client.hello, bench.sizes.warm_up, bench.sizes.clients)
        await asyncio.sleep(bench.sizes.settle)
        before = host.memory_mib
        await _start(bench, host, kind)
        first = await _cpu_during(host, bench.sizes.first)
        cpu = await _cpu_during(host, bench.sizes.watched)
        memory = (host.memory_mib - before) * 1024 / count
        bench.progress.log(
            f"{once}: {watched}: {cpu:.3f} s, before that {first:.3f} s; {memory:.2f} KiB each"
        )
        # The first instances also fill structures of a fixed size: the instance cache, the page
        # cache of SQLite, the garbage collector's free memory.
        before = host.memory_mib
        await _start(bench, host, kind, already=count)
        await asyncio.sleep(bench.sizes.settle)
        memory_more = (host.memory_mib - before) * 1024 / count
    # A restarted host has only these instances in memory.
    async with bench.host(state) as host:
        await asyncio.sleep(bench.sizes.settle)
        cpu_restarted = await _cpu_during(host, bench.sizes.watched)
        memory_restarted = (host.memory_mib - empty_memory) * 1024 / (2 * count)
        bench.progress.log(
            f"{twice}, restarted: {watched}: {cpu_restarted:.3f} s, {memory_restarted:.2f} KiB each"
        )
        starts = [host.started_in]
    for _ in range(bench.sizes.starts - 1):
        async with bench.host(state) as host:
            starts.append(host.started_in)
    more = f"additional {watched} over an idle host"
    return [
        figure(
            f"{key}_cpu_first", f"{once}: CPU in their first {bench.sizes.first:g} s", "s", [first]
        ),
        figure(f"{key}_cpu", f"{once}: {more}", "s", [cpu - empty_cpu]),
        figure(
            f"{key}_cpu_restarted",
            f"{twice}, after a restart: {more}",
            "s",
            [cpu_restarted - empty_cpu],
        ),
        figure(f"{key}_memory", f"{once}: memory of each", "KiB", [memory]),
        figure(
            f"{key}_memory_more",
            f"{count:,} more waiting for {kind}: memory of each",
            "KiB",
            [memory_more],
        ),
        figure(
            f"{key}_memory_restarted",
            f"{twice}, after a restart: memory of each",
            "KiB",
            [memory_restarted],
        ),
        figure(f"{key}_start_s", f"{twice}: start to the first Completed", "s", starts),
    ]


async def _start(bench: Bench, host: Host, kind: str, already: int = 0) -> None:
    """Start instances, and wait until each has had its first turn.

    ``already`` is the number of instances that were waiting before.
    """
    name, input = _KINDS[kind]
    count = bench.sizes.waiting
    bench.progress.log(f"starting {count:,} instances that wait for {kind}")
    took = await run_concurrently(
        partial(host.client.start, name, input), count, bench.sizes.clients
    )
    while True:
        pending = await host.client.page(runtimeStatus="Pending", top=1)
        if not pending.ids:
            break
        await asyncio.sleep(0.2)
    # Pages of 100 are read, because one large page would increase the host's memory.
    running, token = 0, None
    while True:
        page = await host.client.page(token, runtimeStatus="Running")
        running, token = running + len(page.ids), page.token
        if token is None:
            break
    if running != already + count:
        raise UnexpectedResponseError(f"{running} of {already + count} instances wait")
    bench.progress.log(f"all wait ({count / took:.0f} started per second)")


async def _cpu_during(host: Host, seconds: float) -> float:
    before = host.cpu_seconds
    await asyncio.sleep(seconds)
    return host.cpu_seconds - before
