"""What very many finished instances in the state cost: the same measurements beside an empty state, and lists of them.

The two hosts live side by side and are measured in turns, so that what the machine does meanwhile befalls both; a
figure is the ratio of such a pair, as a cost: 1.1 is a tenth slower or bigger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from benchmarks.bench import Bench
from benchmarks.client import Page, UnexpectedResponseError, one_after_the_other, side_by_side
from benchmarks.figures import Figure, figure, percentile
from benchmarks.filling import Filled, fill, models
from benchmarks.host import Host

T = TypeVar("T")


async def finished(bench: Bench) -> list[Figure]:
    filled = await _fill(bench)
    figures = await _starts(bench)
    async with bench.host("full") as full, bench.host("empty") as empty:
        figures += await _pairs(bench, full, empty)
        figures += await _pages(bench, full, filled)
    return figures


async def _fill(bench: Bench) -> Filled:
    async with bench.host("models") as host:
        failed = await host.client.end(await host.client.start("FanOut", b'"no number"'))
        if failed["runtimeStatus"] != "Failed":
            raise UnexpectedResponseError(f"This should have failed: {failed}")
    found = models(bench.folder / "models")
    count = bench.sizes.finished
    return fill(
        bench.folder / "full",
        found["Completed"],
        found["Failed"],
        count,
        bench.sizes.failed_every,
        partial(bench.progress.through, what=f"writing {count:,} finished instances"),
    )


# -- beside an empty state ---------------------------------------------------------------------------


async def _starts(bench: Bench) -> list[Figure]:
    full, ratios = [], []
    for number in range(bench.sizes.starts):
        took = {}
        for state in _in_turn(number, "full", "empty"):
            async with bench.host(state) as host:
                took[state] = host.started_in
        full.append(took["full"])
        ratios.append(took["full"] / took["empty"])
        bench.progress.say(f"start: {took['full']:.3f} s with them, {took['empty']:.3f} s without")
    key, with_them = _key(bench), _with_them(bench)
    return [
        figure(f"{key}_start_s", f"start {with_them} to the first Completed", "s", full),
        figure(f"{key}_start", f"start {with_them}, against an empty state", "x", ratios),
    ]


async def _pairs(bench: Bench, full: Host, empty: Host) -> list[Figure]:
    for host in (full, empty):
        await one_after_the_other(host.client.hello, 20)
    ratios: dict[str, list[float]] = {}
    for number in range(bench.sizes.pairs):
        for measure in (_latency, _throughput, _counted):
            came = {}
            for host in _in_turn(number, full, empty):
                came[host.state.name] = await measure(bench, host)
            for name, value in came["full"].items():
                ratios.setdefault(name, []).append(value / came["empty"][name])
        said = ", ".join(f"{name} {runs[-1]:.2f}" for name, runs in ratios.items())
        bench.progress.say(
            f"with them against an empty state, {number + 1} of {bench.sizes.pairs}: {said}"
        )
    await asyncio.sleep(bench.sizes.settle)
    ratios["memory"] = [full.memory_mib / empty.memory_mib]
    key, with_them = _key(bench), _with_them(bench)
    return [
        figure(
            f"{key}_{name}",
            f"{name.replace('_', ' ')} {with_them}, against an empty state",
            "x",
            runs,
        )
        for name, runs in ratios.items()
    ]


async def _latency(bench: Bench, host: Host) -> dict[str, float]:
    took = await one_after_the_other(host.client.hello, bench.sizes.warm)
    return {"hello_p50": percentile(took, 50), "hello_p95": percentile(took, 95)}


async def _throughput(bench: Bench, host: Host) -> dict[str, float]:
    return {
        "throughput": await side_by_side(
            host.client.hello, bench.sizes.pair_throughput, bench.sizes.clients
        )
    }


async def _counted(bench: Bench, host: Host) -> dict[str, float]:
    took = {
        f"fan_out_{count}": await host.client.counted("FanOut", count)
        for count in bench.sizes.fan_out
    }
    count = bench.sizes.chain[1]
    return took | {f"chain_{count}": await host.client.counted("Chain", count)}


# -- lists -------------------------------------------------------------------------------------------


async def _pages(bench: Bench, host: Host, filled: Filled) -> list[Figure]:
    """Pages of 100. Each is asked for again and again, so this is with the file's pages in memory."""
    page = host.client.page
    total = len(filled.ids)
    oldest, later, latest = (
        f"{filled.created(part):%Y-%m-%dT%H:%M:%S.%fZ}" for part in (0, 0.5, 1 - 200 / total)
    )
    newest = f"{filled.newest:%Y-%m-%dT%H:%M:%S.%fZ}"
    asked: dict[str, tuple[str, Callable[[], Awaitable[Page]]]] = {
        "any": ("no filter", page),
        "failed": (
            f"Failed, 1 in {bench.sizes.failed_every:,}",
            partial(page, runtimeStatus="Failed"),
        ),
        "completed": ("Completed", partial(page, runtimeStatus="Completed")),
        "created_narrow": (
            "created: 200 of them",
            partial(page, createdTimeFrom=latest, createdTimeTo=newest),
        ),
        "created_wide": ("created: half of them", partial(page, createdTimeFrom=later)),
        "created_all": ("created: all of them", partial(page, createdTimeFrom=oldest)),
        "two_statuses": ("Failed or Terminated", partial(page, runtimeStatus="Failed,Terminated")),
        "prefix": ("id prefix of 1 in 256", partial(page, instanceIdPrefix=filled.ids[0][:2])),
        "completed_created": (
            "Completed, created: 200 of them",
            partial(page, runtimeStatus="Completed", createdTimeFrom=latest, createdTimeTo=newest),
        ),
        "failed_created": (
            "Failed, created: half of them",
            partial(page, runtimeStatus="Failed", createdTimeFrom=later),
        ),
    }
    walked, last = await _walk(bench, host)
    asked["last"] = ("the last full page, by its token", partial(page, token=last))
    key, figures = _key(bench), []
    for name, (text, ask) in asked.items():
        rows = len((await ask()).ids)
        took = await one_after_the_other(ask, bench.sizes.requests)
        note = f"{rows} rows"
        figures.append(
            figure(f"{key}_page_{name}", f"a page of {total:,}: {text}", "ms", took, note)
        )
        bench.progress.say(f"page, {text}: {figures[-1].value:.2f} ms, {note}")
    return [
        *figures,
        figure(f"{key}_page_walk", "all pages one after the other: a page", "ms", walked),
    ]


async def _walk(bench: Bench, host: Host) -> tuple[list[float], str | None]:
    """Milliseconds of each page on the way through all of them, and the token of the last full one."""
    bench.progress.say("walking through all pages")
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
    return (one, other) if number % 2 == 0 else (other, one)


def _key(bench: Bench) -> str:
    return f"finished_{bench.sizes.finished}"


def _with_them(bench: Bench) -> str:
    return f"with {bench.sizes.finished:,} finished"
