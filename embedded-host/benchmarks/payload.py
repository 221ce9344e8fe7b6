"""The cost of a large payload from the request to the response.

The payload is the input of the orchestration, the input and result of its activity, and its output.
"""

from __future__ import annotations

import json
import statistics
import time
from functools import partial

from benchmarks.bench import Bench
from benchmarks.client import Client, UnexpectedResponseError, run_sequentially
from benchmarks.figures import Figure, figure, percentile

_KB = (1, 200)


async def payload(bench: Bench) -> list[Figure]:
    """Measure time and CPU of a small and a large payload."""
    took: dict[int, list[float]] = {size: [] for size in _KB}
    cpu: dict[int, list[float]] = {size: [] for size in _KB}
    count = bench.sizes.payloads
    async with bench.host("payload") as host:
        for size in _KB:
            await run_sequentially(partial(_pass_through, host.client, size), 5)
        for number in range(bench.rounds):
            for size in _KB if number % 2 == 0 else _KB[::-1]:
                before = host.cpu_seconds
                took[size].append(
                    percentile(
                        await run_sequentially(partial(_pass_through, host.client, size), count),
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
        bench.progress.log(f"{size} KB: {figures[-2].value:.2f} ms, CPU {figures[-1].value:.2f} ms")
    small, large = _KB
    once = _json_round_trip_ms(large)
    passes = [(more - less) / once for more, less in zip(cpu[large], cpu[small], strict=True)]
    text = f"{large} KB more: CPU, in multiples of json.loads + json.dumps"
    return [
        *figures,
        figure(f"payload_{large}_passes", text, "times", passes, f"one takes {once:.2f} ms"),
    ]


def _records(kilobytes: int) -> list[dict[str, object]]:
    """Return a list of records whose JSON has the given size."""
    records: list[dict[str, object]] = []
    length = 0
    while length < kilobytes * 1000:
        n = len(records)
        records.append({"id": n, "name": f"customer {n}", "city": "København", "total": n * 1.25})
        length += len(json.dumps(records[-1])) + 2
    return records


async def _pass_through(client: Client, kilobytes: int) -> None:
    body, value = _VALUES[kilobytes]
    if await client.run("Payload", body) != value:
        raise UnexpectedResponseError(f"The output is not the input of {kilobytes} KB")


def _json_round_trip_ms(kilobytes: int) -> float:
    runs = []
    for _ in range(20):
        began = time.perf_counter()
        json.dumps(json.loads(_VALUES[kilobytes][0]))
        runs.append((time.perf_counter() - began) * 1000)
    return statistics.median(runs)


_VALUES = {size: (json.dumps(_records(size)).encode(), _records(size)) for size in _KB}
