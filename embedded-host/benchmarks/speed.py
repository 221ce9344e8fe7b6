"""Speed and memory of the host: the first table of docs/explanation/performance.md."""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.bench import Bench
from benchmarks.client import run_concurrently, run_sequentially
from benchmarks.figures import Figure, figure, percentile
from benchmarks.host import Host


async def speed(bench: Bench) -> list[Figure]:
    """Measure start, latency, throughput, fan-out, chains and memory."""
    figures = await _cold_start(bench)
    async with bench.host("speed") as host:
        await asyncio.sleep(bench.sizes.settle)
        memory = [figure("memory_idle", "memory, idle", "MiB", [host.memory_mib])]
        figures += await _warm(bench, host)
        figures += await _throughput(bench, host)
        ran = bench.rounds * bench.sizes.throughput
        # The key has the number of hellos of concurrent clients. The warm runs add a few.
        memory += [
            figure(f"memory_after_{ran}", f"memory, after {ran:,} hellos", "MiB", [host.memory_mib])
        ]
        figures += await _fan_out(bench, host)
        figures += await _chain(bench, host)
        memory += [
            figure("memory_end", "memory, after the fan-outs and chains", "MiB", [host.memory_mib])
        ]
    return figures + memory


async def _cold_start(bench: Bench) -> list[Figure]:
    runs = []
    for number in range(bench.sizes.cold_starts):
        async with bench.host(f"cold-{number}") as host:
            runs.append(host.started_in)
        bench.progress.log(
            f"cold start {number + 1} of {bench.sizes.cold_starts}: {runs[-1]:.3f} s"
        )
    return [figure("cold_start", "cold start to the first Completed", "s", runs)]


async def _warm(bench: Bench, host: Host) -> list[Figure]:
    await run_sequentially(host.client.hello, 20)
    count = bench.sizes.warm
    middle, high = [], []
    for number in range(bench.rounds):
        took = await run_sequentially(host.client.hello, count)
        middle.append(percentile(took, 50))
        high.append(percentile(took, 95))
        bench.progress.log(
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
        rates.append(count / await run_concurrently(host.client.hello, count, clients))
        cpu.append((host.cpu_seconds - before) / count * 1000)
        bench.progress.log(
            f"hello, {clients} clients: run {number + 1} of {bench.rounds}: "
            f"{rates[-1]:.0f} per second"
        )
    return [
        figure("hello_per_second", f"hello: {count:,} with {clients} clients", "1/s", rates),
        figure("hello_cpu", "CPU of a hello, all processes of the host", "ms", cpu),
    ]


async def _fan_out(bench: Bench, host: Host) -> list[Figure]:
    figures = []
    for count in bench.sizes.fan_out:
        runs = [await host.client.run_with_count("FanOut", count) for _ in range(bench.rounds)]
        figures.append(figure(f"fan_out_{count}", f"fan-out of {count:,} activities", "s", runs))
        bench.progress.log(f"fan-out of {count}: {figures[-1].value:.3f} s")
    return figures


async def _chain(bench: Bench, host: Host) -> list[Figure]:
    steps: dict[int, list[float]] = {count: [] for count in bench.sizes.chain}
    for _ in range(bench.rounds):
        for count, runs in steps.items():
            runs.append(await host.client.run_with_count("Chain", count) / count * 1000)
    figures = [
        figure(f"chain_{n}", f"chain of {n:,}: each step", "ms", runs) for n, runs in steps.items()
    ]
    summary = ", ".join(f"{n}: {statistics.median(runs):.2f} ms" for n, runs in steps.items())
    bench.progress.log(f"chains, each step: {summary}")
    short, long = min(steps), max(steps)
    ratios = [a / b for a, b in zip(steps[long], steps[short], strict=True)]
    text = f"chain of {long:,}: each step, compared with a chain of {short}"
    return [*figures, figure(f"chain_{long}_to_{short}", text, "x", ratios)]
