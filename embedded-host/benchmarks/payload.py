"""What a big payload costs on its way: request, input, activity, result, output, answer."""

from __future__ import annotations

import json
import statistics
import time
from functools import partial

from benchmarks.bench import Bench
from benchmarks.client import Client, UnexpectedResponseError, one_after_the_other
from benchmarks.figures import Figure, figure, percentile

_KB = (1, 200)


async def payload(bench: Bench) -> list[Figure]:
    took: dict[int, list[float]] = {size: [] for size in _KB}
    cpu: dict[int, list[float]] = {size: [] for size in _KB}
    count = bench.sizes.payloads
    async with bench.host("payload") as host:
        for size in _KB:
            await one_after_the_other(partial(_pass_through, host.client, size), 5)
        for number in range(bench.rounds):
            for size in _KB if number % 2 == 0 else _KB[::-1]:
                before = host.cpu_seconds
                took[size].append(
                    percentile(
                        await one_after_the_other(partial(_pass_through, host.client, size), count),
                        50,
                    )
                )
                cpu[size].append((host.cpu_seconds - before) / count * 1000)
    figures = []
    for size in _KB:
        figures += [
            figure(f"payload_{size}_ms", f"{size} KB through one activity: p50", "ms", took[size]),
            figure(f"payload_{size}_cpu", f"{size} KB through one activity: CPU", "ms", cpu[size]),
        ]
        bench.progress.say(f"{size} KB: {figures[-2].value:.2f} ms, CPU {figures[-1].value:.2f} ms")
    small, big = _KB
    once = _reading_and_writing_ms(big)
    passes = [(more - less) / once for more, less in zip(cpu[big], cpu[small], strict=True)]
    text = f"{big} KB more: CPU, in json.loads + json.dumps of it"
    return [
        *figures,
        figure(f"payload_{big}_passes", text, "times", passes, f"once is {once:.2f} ms"),
    ]


def _records(kilobytes: int) -> list[dict[str, object]]:
    """Records as an app would send them, so that there is something to parse."""
    records: list[dict[str, object]] = []
    length = 0
    while length < kilobytes * 1000:
        n = len(records)
        records.append({"id": n, "name": f"customer {n}", "city": "København", "total": n * 1.25})
        length += len(json.dumps(records[-1])) + 2
    return records


async def _pass_through(client: Client, kilobytes: int) -> None:
    text, value = _VALUES[kilobytes]
    if await client.run("Payload", text) != value:
        raise UnexpectedResponseError(f"{kilobytes} KB did not come back as they were sent")


def _reading_and_writing_ms(kilobytes: int) -> float:
    runs = []
    for _ in range(20):
        began = time.perf_counter()
        json.dumps(json.loads(_VALUES[kilobytes][0]))
        runs.append((time.perf_counter() - began) * 1000)
    return statistics.median(runs)


_VALUES = {size: (json.dumps(_records(size)).encode(), _records(size)) for size in _KB}
