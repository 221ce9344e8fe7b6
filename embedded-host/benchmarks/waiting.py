"""What instances cost that only wait: CPU while they do, memory of each, the start of a host that finds them."""

from __future__ import annotations

import asyncio
from functools import partial

from benchmarks.bench import Bench
from benchmarks.client import UnexpectedResponseError, side_by_side
from benchmarks.figures import Figure, figure
from benchmarks.host import Host

_KINDS = {"timers": ("Sleeper", b"86400"), "events": ("Waiter", None)}


async def waiting(bench: Bench) -> list[Figure]:
    async with bench.host("nothing-waits") as host:
        await asyncio.sleep(bench.sizes.settle)
        empty_memory = host.memory_mib
        empty_cpu = await _cpu_during(host, bench.sizes.watched)
    watched = f"CPU in {bench.sizes.watched:g} s"
    bench.progress.say(f"nothing waits: {watched}: {empty_cpu:.3f} s, {empty_memory:.1f} MiB")
    figures = [
        figure("waiting_nothing_cpu", f"{watched}: an idle host, nothing waits", "s", [empty_cpu])
    ]
    for kind in _KINDS:
        figures += await _of_kind(bench, kind, empty_cpu, empty_memory)
    return figures


async def _of_kind(bench: Bench, kind: str, empty_cpu: float, empty_memory: float) -> list[Figure]:
    count = bench.sizes.waiting
    both = f"{2 * count:,} on {kind}"
    key, them, watched = (
        f"waiting_{count}_{kind}",
        f"{count:,} on {kind}",
        f"CPU in {bench.sizes.watched:g} s",
    )
    state = f"waiting-{kind}"
    async with bench.host(state) as host:
        await side_by_side(host.client.hello, bench.sizes.warm_up, bench.sizes.clients)
        await asyncio.sleep(bench.sizes.settle)
        before = host.memory_mib
        await _start(bench, host, kind)
        first = await _cpu_during(host, bench.sizes.first)
        cpu = await _cpu_during(host, bench.sizes.watched)
        memory = (host.memory_mib - before) * 1024 / count
        bench.progress.say(
            f"{them}: {watched}: {cpu:.3f} s, before that {first:.3f} s; {memory:.2f} KiB each"
        )
        # The first ones fill what has a size of its own: the orchestrators kept in memory, SQLite's pages, the collector's room.
        before = host.memory_mib
        await _start(bench, host, kind, already=count)
        await asyncio.sleep(bench.sizes.settle)
        memory_more = (host.memory_mib - before) * 1024 / count
    # A host that finds them has nothing else in memory: this is the size of what is kept for them.
    async with bench.host(state) as host:
        await asyncio.sleep(bench.sizes.settle)
        cpu_restarted = await _cpu_during(host, bench.sizes.watched)
        memory_restarted = (host.memory_mib - empty_memory) * 1024 / (2 * count)
        bench.progress.say(
            f"{both}, found: {watched}: {cpu_restarted:.3f} s, {memory_restarted:.2f} KiB each"
        )
        starts = [host.started_in]
    for _ in range(bench.sizes.starts - 1):
        async with bench.host(state) as host:
            starts.append(host.started_in)
    more = f"more {watched} than an empty host"
    return [
        figure(
            f"{key}_cpu_first", f"{them}: CPU in their first {bench.sizes.first:g} s", "s", [first]
        ),
        figure(f"{key}_cpu", f"{them}: {more}", "s", [cpu - empty_cpu]),
        figure(
            f"{key}_cpu_restarted",
            f"{both}, after a restart: {more}",
            "s",
            [cpu_restarted - empty_cpu],
        ),
        figure(f"{key}_memory", f"{them}: memory of each", "KiB", [memory]),
        figure(
            f"{key}_memory_more", f"{count:,} more on {kind}: memory of each", "KiB", [memory_more]
        ),
        figure(
            f"{key}_memory_restarted",
            f"{both}, after a restart: memory of each",
            "KiB",
            [memory_restarted],
        ),
        figure(f"{key}_start_s", f"{both}: start with them to the first Completed", "s", starts),
    ]


async def _start(bench: Bench, host: Host, kind: str, already: int = 0) -> None:
    """Start them, and wait until each has had its first turn; so many wait ``already``."""
    name, input = _KINDS[kind]
    count = bench.sizes.waiting
    bench.progress.say(f"starting {count:,} that wait on {kind}")
    took = await side_by_side(partial(host.client.start, name, input), count, bench.sizes.clients)
    while True:
        pending = await host.client.page(runtimeStatus="Pending", top=1)
        if not pending.ids:
            break
        await asyncio.sleep(0.2)
    # In pages of 100, because one of them all would leave its mark on the host's memory.
    running, token = 0, None
    while True:
        page = await host.client.page(token, runtimeStatus="Running")
        running, token = running + len(page.ids), page.token
        if token is None:
            break
    if running != already + count:
        raise UnexpectedResponseError(f"{running} of {already + count} wait")
    bench.progress.say(f"they wait ({count / took:.0f} started a second)")


async def _cpu_during(host: Host, seconds: float) -> float:
    before = host.cpu_seconds
    await asyncio.sleep(seconds)
    return host.cpu_seconds - before
