"""Speed of an app with SDK 2.x, and of durabletask's in-memory backend in the same interpreter."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks import processes
from benchmarks.bench import Bench
from benchmarks.figures import Figure, figure
from benchmarks.peers import Peer, values
from benchmarks.speed import speed

APP = Path(__file__).parent / "app_2x"
PREFIX = "sdk2_"
"""The start of the keys of all figures of an app with SDK 2.x."""
IN_MEMORY = "durabletask, in memory"
_LIMIT = 900.0
"""The maximum time of the benchmark of the in-memory backend in seconds."""


async def sdk2(bench: Bench) -> list[Figure]:
    """Measure the figures of ``speed`` with the app for SDK 2.x."""
    folder = bench.folder / "sdk2"
    folder.mkdir()
    bench.progress.log(f"SDK 2.x: the app runs in {bench.app_python}")
    measured = await speed(replace(bench, app=APP, folder=folder))
    return [
        figure(PREFIX + each.key, f"SDK 2.x: {each.text}", each.unit, each.runs)
        for each in measured
    ]


async def in_memory_backend(bench: Bench) -> Peer:
    """Measure the in-memory backend of durabletask, which is a peer without a disk."""
    output = bench.folder / "in-memory.json"
    script = Path(__file__).parent / "in_memory_backend.py"
    sizes = json.dumps(asdict(bench.sizes))
    bench.progress.log(f"{IN_MEMORY}: starting")
    with output.open("wb") as out:
        process = processes.spawn(
            [str(bench.app_python), str(script), sizes],
            out=out,
            err=None,
            cwd=bench.folder,
            environment=os.environ,
        )
        try:
            code = await asyncio.to_thread(process.wait, _LIMIT)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            processes.stop(process)
    lines = output.read_text(encoding="utf-8").strip().splitlines()
    if code == 0 and lines:
        with contextlib.suppress(ValueError):
            raw = json.loads(lines[-1])
            return Peer(IN_MEMORY, values(raw), raw)
    return Peer(IN_MEMORY, problem=f"failed: its benchmark exited with code {code}")


def compared_with_1x(figures: dict[str, Figure]) -> list[Figure]:
    """Return the figures that compare SDK 2.x with 1.x of the same run."""
    ours, theirs = figures.get(f"{PREFIX}hello_cpu"), figures.get("hello_cpu")
    if not ours or not theirs:
        return []
    runs = [a / theirs.value for a in ours.runs]
    return [figure("sdk2_cpu_to_1x", "CPU of a hello, SDK 2.x compared with 1.x", "x", runs)]
