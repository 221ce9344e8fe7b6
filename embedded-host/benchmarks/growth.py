"""The cost of many finished instances in the state file, and of a list of these instances.

One host has the instances, and a second host has an empty state file. Both hosts run at the same
time and are measured alternately, so that other load on the machine affects both. A figure is the
ratio of the two costs: 1.1 means that the first host is 10 % slower or larger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from benchmarks.bench import Bench
from benchmarks.client import Page, UnexpectedResponseError, run_concurrently, run_sequentially
from benchmarks.figures import Figure, figure, percentile
from benchmarks.filling import FilledState, fill, models
from benchmarks.host import Host

T = TypeVar("T")


async def finished(bench: Bench) -> list[Figure]:
    """Measure the cost of finished instances."""
    filled = await _fill(bench)
    figures = await _starts(bench)
    async with bench.host("full") as full, bench.host("empty") as empty:
        figures += await _pairs(bench, full, empty)
        figures += await _pages(bench, full, filled)
    return figures


async def _fill(bench: Bench) -> FilledState:
    async with bench.host("models") as host:
        failed = await host.client.wait_until_finished(
            await host.client.start("FanOut", b'"no number"')
        )
        if failed["runtimeStatus"] != "Failed":
            raise UnexpectedResponseError(f"FanOut should have failed, but has the status {failed}")
    originals = models(bench.folder / "models")
    count = bench.sizes.finished
    return fill(
        bench.folder / "full",
        originals["Completed"],
        originals["Failed"],
        count,
        bench.sizes.failed_every,
        partial(bench.progress.track, description=f"writing {count:,} finished instances"),
    )


# -- compared with an empty state ------------------------------------------------------------------


async def _starts(bench: Bench) -> list[Figure]:
    full, ratios = [], []
    for number in range(bench.sizes.starts):
        took = {}
        for state in _in_turn(number, "full", "empty"):
            async with bench.host(state) as host:
                took[state] = host.started_in
        full.append(took["full"])
        ratios.append(took["full"] / took["empty"])
        bench.progress.log(f"start: full {took['full']:.3f} s, empty {took['empty']:.3f} s")
    key, condition = _key(bench), _condition(bench)
    return [
        figure(f"{key}_start_s", f"start {condition} to the first Completed", "s", full),
        figure(f"{key}_start", f"start {condition}, compared with an empty state", "x", ratios),
    ]


async def _pairs(bench: Bench, full: Host, empty: Host) -> list[Figure]:
    for host in (full, empty):
        await run_sequentially(host.client.hello, 20)
    ratios: dict[str, list[float]] = {}
    for number in range(bench.sizes.pairs):
        for measure in (_latency, _throughput, _counted):
            values = {}
            for host in _in_turn(number, full, empty):
                values[host.state.name] = await measure(bench, host)
            for name, value in values["full"].items():
                ratios.setdefault(name, []).append(value / values["empty"][name])
        summary = ", ".join(f"{name} {runs[-1]:.2f}" for name, runs in ratios.items())
        bench.progress.log(
            f"full compared with empty, {number + 1} of {bench.sizes.pairs}: {summary}"
        )
    await asyncio.sleep(bench.sizes.settle)
    ratios["memory"] = [full.memory_mib / empty.memory_mib]
    key, condition = _key(bench), _condition(bench)
    return [
        figure(
            f"{key}_{name}",
            f"{name.replace('_', ' ')} {condition}, compared with an empty state",
            "x",
            runs,
        )
        for name, runs in ratios.items()
    ]


async def _latency(bench: Bench, host: Host) -> dict[str, float]:
    took = await run_sequentially(host.client.hello, bench.sizes.warm)
    return {"hello_p50": percentile(took, 50), "hello_p95": percentile(took, 95)}


async def _throughput(bench: Bench, host: Host) -> dict[str, float]:
    return {
        "throughput": await run_concurrently(
            host.client.hello, bench.sizes.pair_throughput, bench.sizes.clients
        )
    }


async def _counted(bench: Bench, host: Host) -> dict[str, float]:
    took = {
        f"fan_out_{count}": await host.client.run_with_count("FanOut", count)
        for count in bench.sizes.fan_out
    }
    count = bench.sizes.chain[1]
    return took | {f"chain_{count}": await host.client.run_with_count("Chain", count)}


# -- lists -----------------------------------------------------------------------------------------


async def _pages(bench: Bench, host: Host, filled: FilledState) -> list[Figure]:
    """Measure pages of 100 instances.

    Each page is requested several times, so its data is in memory after the first request.
    """
    page = host.client.page
    total = len(filled.ids)
    oldest, later, latest = (
        f"{filled.created(part):%Y-%m-%dT%H:%M:%S.%fZ}" for part in (0, 0.5, 1 - 200 / total)
    )
    newest = f"{filled.newest:%Y-%m-%dT%H:%M:%S.%fZ}"
    requests: dict[str, tuple[str, Callable[[], Awaitable[Page]]]] = {
        "any": ("no filter", page),
        "failed": (
            f"Failed, 1 in {bench.sizes.failed_every:,}",
            partial(page, runtimeStatus="Failed"),
        ),
        "completed": ("Completed", partial(page, runtimeStatus="Completed")),
        "created_narrow": (
            "created in a range of 200",
            partial(page, createdTimeFrom=latest, createdTimeTo=newest),
        ),
        "created_wide": ("created in the newer half", partial(page, createdTimeFrom=later)),
        "created_all": ("created in the range of all", partial(page, createdTimeFrom=oldest)),
        "two_statuses": ("Failed or Terminated", partial(page, runtimeStatus="Failed,Terminated")),
        "prefix": ("id prefix of 1 in 256", partial(page, instanceIdPrefix=filled.ids[0][:2])),
        "completed_created": (
            "Completed, created in a range of 200",
            partial(page, runtimeStatus="Completed", createdTimeFrom=latest, createdTimeTo=newest),
        ),
        "failed_created": (
            "Failed, created in the newer half",
            partial(page, runtimeStatus="Failed", createdTimeFrom=later),
        ),
    }
    walked, last = await _walk(bench, host)
    requests["last"] = ("the last full page, by its token", partial(page, token=last))
    key, figures = _key(bench), []
    for name, (text, request) in requests.items():
        rows = len((await request()).ids)
        took = await run_sequentially(request, bench.sizes.requests)
        note = f"{rows} rows"
        figures.append(
            figure(f"{key}_page_{name}", f"a page of {total:,}: {text}", "ms", took, note)
        )
        bench.progress.log(f"page, {text}: {figures[-1].value:.2f} ms, {note}")
    return [
        *figures,
        figure(f"{key}_page_walk", "each page of a walk through all pages", "ms", walked),
    ]


async def _walk(bench: Bench, host: Host) -> tuple[list[float], str | None]:
    """Return the milliseconds of each page of the list, and the token of the last full page."""
    bench.progress.log("walking through all pages")
    took: list[float] = []
    token: str | None = None
    before: str | None = None
    while True:
        began = time.perf_counter()
        page = await host.client.page(token)
        took.append((time.perf_counter() - began) * 1000)
        if page.token is None:
            return took, before
        before, token = token, page.token


def _in_turn(number: int, one: T, other: T) -> tuple[T, T]:
    """Return both values, in reverse order for an odd number."""
    return (one, other) if number % 2 == 0 else (other, one)


def _key(bench: Bench) -> str:
    return f"finished_{bench.sizes.finished}"


def _condition(bench: Bench) -> str:
    return f"with {bench.sizes.finished:,} finished"
