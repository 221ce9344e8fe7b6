"""The peers: other durable engines. Each has its own benchmark and environment (``PEER/venv``)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.bench import Bench
from benchmarks.calibration import calibrate
from benchmarks.figures import Figure

OURSELVES = "embedded"
"""The peer folder with a benchmark of this project. It is not run: ``speed`` replaces it."""
_LIMIT = 900.0
"""The maximum time of a peer's benchmark in seconds."""

_NAMES: dict[str, tuple[str, ...]] = {
    "cold_start": ("cold_start_s", "median"),
    "hello_p50": ("warm_ms", "p50"),
    "hello_p95": ("warm_ms", "p95"),
    "hello_per_second": ("throughput_wf_s", "median"),
    "hello_cpu": ("throughput_wf_s", "stack_cpu_ms_per_wf"),
    "fan_out_500": ("fanout_500_s", "median"),
    "fan_out_2000": ("fanout_2000_s", "median"),
    "memory_idle": ("rss_idle_mb",),
    "memory_after_6000": ("rss_after_mb",),
}
"""The path of each figure in a peer's output, by the figure's key."""


@dataclass(frozen=True)
class Peer:
    """The result of a peer's benchmark."""

    name: str
    values: dict[str, float] = field(default_factory=dict)
    """The figures by the keys of this project."""
    raw: dict[str, Any] = field(default_factory=dict)
    """The peer's output."""
    problem: str = ""
    """The reason why there are no values."""


def names(folder: Path) -> list[str]:
    """Return the names of all peers of a folder."""
    folders = sorted(file.parent.name for file in folder.glob("*/bench.py"))
    return [name for name in folders if name != OURSELVES]


async def measure(
    bench: Bench, folder: Path, wanted: Sequence[str], quick: bool
) -> tuple[list[Peer], list[Figure]]:
    """Run the benchmarks of the wanted peers.

    Return their results, and the figures of the machine's speed before each benchmark.
    """
    peers, machine = [], []
    for name in wanted:
        problem = missing(folder / name)
        if problem:
            peers.append(Peer(name, problem=problem))
        else:
            await asyncio.sleep(bench.sizes.settle)
            machine += calibrate(bench, f"before {name}")
            peers.append(await _measure(bench, folder / name, quick))
        if peers[-1].problem:
            bench.progress.log(f"{name}: {peers[-1].problem}")
    return peers, machine


def missing(peer: Path) -> str:
    """Return a message if a part of a peer is missing, otherwise an empty string."""
    if not (peer / "bench.py").is_file():
        return f"missing: {peer / 'bench.py'} does not exist"
    if not _python(peer).is_file():
        return (
            f"missing: its environment does not exist ({_python(peer)}); "
            f"{peer.parent / 'setup.sh'} creates it"
        )
    return ""


def values(raw: dict[str, Any]) -> dict[str, float]:
    """Return the values of a peer's output by the keys of this project."""
    by_key = {}
    for key, path in _NAMES.items():
        value: Any = raw
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            by_key[key] = float(value)
    steps = raw.get("chain_ms_per_step") or {}
    if "10" in steps and "1000" in steps:
        by_key["chain_1000_to_10"] = steps["1000"] / steps["10"]
    return by_key


def _python(peer: Path) -> Path:
    return peer / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


async def _measure(bench: Bench, peer: Path, quick: bool) -> Peer:
    bench.progress.log(f"{peer.name}: starting its benchmark, whose progress follows")
    environment = {**os.environ, **({"QUICK": "1"} if quick else {})}
    output = bench.folder / f"{peer.name}.json"
    with output.open("wb") as out:
        process = processes.spawn(
            [str(_python(peer)), str(peer / "bench.py")],
            out=out,
            err=None,
            cwd=bench.folder,
            environment=environment,
        )
        try:
            code = await asyncio.to_thread(process.wait, _LIMIT)
        except subprocess.TimeoutExpired:
            return Peer(peer.name, problem=f"failed: not finished after {_LIMIT:g} s")
        finally:
            # The benchmark starts processes in other groups, and stops them when it is interrupted.
            processes.stop(process, getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT), seconds=30)
    lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if code != 0 or not lines:
        return Peer(peer.name, problem=f"failed: its benchmark exited with code {code}")
    with contextlib.suppress(ValueError):
        raw = json.loads(lines[-1])
        return Peer(peer.name, values(raw), raw)
    return Peer(peer.name, problem="failed: its last line of output is not valid JSON")
