"""How fast and how big the host is: the first table of docs/explanation/performance.md."""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.bench import Bench
from benchmarks.client import one_after_the_other, side_by_side
from benchmarks.figures import Figure, figure, percentile
from benchmarks.host import Host


async def speed(bench: Bench) -> list[Figure]:
    figures = await _cold_start(bench)
    async with bench.host("speed") as host:
        await asyncio.sleep(bench.sizes.settle)
        memory = [figure("memory_idle", "memory, idle", "MiB", [host.memory_mib])]
        figures += await _warm(bench, host)
        figures += await _throughput(bench, host)
        ran = bench.rounds * bench.sizes.throughput
        # Named by the hellos of the runs above; the few of the warm runs come on top.
        memory += [
            figure(f"memory_after_{ran}", f"memory, after {ran:,} hellos", "MiB", [host.memory_mib])
        ]
        figures += await _fan_out(bench, host)
        figures += await _chain(bench, host)
        memory += [
            figure(
                "memory_end", "memory, after the fan-outs and chains too", "MiB", [host.memory_mib]
            )
        ]
    return figures + memory


async def _cold_start(bench: Bench) -> list[Figure]:
    runs = []
    for number in range(bench.sizes.cold_starts):
        async with bench.host(f"cold-{number}") as host:
            runs.append(host.started_in)
        bench.progress.say(
            f"cold start {number + 1} of {bench.sizes.cold_starts}: {runs[-1]:.3f} s"
        )
    return [figure("cold_start", "cold start to the first Completed", "s", runs)]


async def _warm(bench: Bench, host: Host) -> list[Figure]:
    await one_after_the_other(host.client.hello, 20)
    count = bench.sizes.warm
    middle, high = [], []
    for number in range(bench.rounds):
        took = await one_after_the_other(host.client.hello, count)
        middle.append(percentile(took, 50))
        high.append(percentile(took, 95))
        bench.progress.say(
            f"hello, warm: run {number + 1} of {bench.rounds}: {middle[-1]:.2f} / {high[-1]:.2f} ms"
        )
    return [
        figure("hello_p50", f"hello, warm: p50 of {count}", "ms", middle),
        figure("hello_p95", f"hello, warm: p95 of {count}", "ms", high),
    ]


async def _throughput(bench: Bench, host: Host) -> list[Figure]:
    count, clients = bench.sizes.throughput, bench.sizes.clients
    rates, cpu = [], []
    for number in range(bench.rounds):
        before = host.cpu_seconds
        rates.append(count / await side_by_side(host.client.hello, count, clients))
        cpu.append((host.cpu_seconds - before) / count * 1000)
        bench.progress.say(
            f"hello, {clients} clients: run {number + 1} of {bench.rounds}: {rates[-1]:.0f} a second"
        )
    return [
        figure("hello_per_second", f"hello: {count:,} with {clients} clients", "1/s", rates),
        figure("hello_cpu", "CPU of a hello, all the host's processes", "ms", cpu),
    ]


async def _fan_out(bench: Bench, host: Host) -> list[Figure]:
    figures = []
    for count in bench.sizes.fan_out:
        runs = [await host.client.counted("FanOut", count) for _ in range(bench.rounds)]
        figures.append(figure(f"fan_out_{count}", f"fan-out of {count:,} activities", "s", runs))
        bench.progress.say(f"fan-out of {count}: {figures[-1].value:.3f} s")
    return figures


async def _chain(bench: Bench, host: Host) -> list[Figure]:
    steps: dict[int, list[float]] = {count: [] for count in bench.sizes.chain}
    for _ in range(bench.rounds):
        for count, runs in steps.items():
            runs.append(await host.client.counted("Chain", count) / count * 1000)
    figures = [
        figure(f"chain_{n}", f"chain of {n:,}: a step", "ms", runs) for n, runs in steps.items()
    ]
    said = ", ".join(f"{n}: {statistics.median(runs):.2f} ms" for n, runs in steps.items())
    bench.progress.say(f"a step of chains of {said}")
    short, long = min(steps), max(steps)
    ratios = [a / b for a, b in zip(steps[long], steps[short], strict=True)]
    text = f"chain of {long:,}: a step against one of a chain of {short}"
    return [*figures, figure(f"chain_{long}_to_{short}", text, "x", ratios)]
