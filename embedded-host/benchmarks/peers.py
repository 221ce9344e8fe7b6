"""The peers: durable engines with a benchmark of their own, each in a folder with its environment (``PEER/venv``)."""

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
"""This project among the peers: ``speed`` measures the same."""
_LIMIT = 900.0

# Their names for what this benchmark measures.
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


@dataclass(frozen=True)
class Peer:
    """``problem`` says why there are no values."""

    name: str
    values: dict[str, float] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def names(folder: Path) -> list[str]:
    """All peers of a folder."""
    found = sorted(file.parent.name for file in folder.glob("*/bench.py"))
    return [name for name in found if name != OURSELVES]


async def measure(
    bench: Bench, folder: Path, wanted: Sequence[str], quick: bool
) -> tuple[list[Peer], list[Figure]]:
    """The peers, and how the machine was before each."""
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
            bench.progress.say(f"{name}: {peers[-1].problem}")
    return peers, machine


def missing(peer: Path) -> str:
    """What is not there of a peer, an empty string if all is."""
    if not (peer / "bench.py").is_file():
        return f"missing: there is no {peer / 'bench.py'}"
    if not _python(peer).is_file():
        return f"missing: its environment is not there ({_python(peer)}); {peer.parent / 'setup.sh'} makes it"
    return ""


def values(raw: dict[str, Any]) -> dict[str, float]:
    """What a peer printed, by our names."""
    found = {}
    for key, path in _NAMES.items():
        value: Any = raw
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            found[key] = float(value)
    steps = raw.get("chain_ms_per_step") or {}
    if "10" in steps and "1000" in steps:
        found["chain_1000_to_10"] = steps["1000"] / steps["10"]
    return found


def _python(peer: Path) -> Path:
    return peer / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


async def _measure(bench: Bench, peer: Path, quick: bool) -> Peer:
    bench.progress.say(f"{peer.name}: its own benchmark begins; what follows is its progress")
    environment = {**os.environ, **({"QUICK": "1"} if quick else {})}
    printed = bench.folder / f"{peer.name}.json"
    with printed.open("wb") as out:
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
            return Peer(peer.name, problem=f"failed: not through after {_LIMIT:g} s")
        finally:
            # It starts processes in groups of their own, and stops them when it is interrupted.
            processes.end(process, getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT), seconds=30)
    lines = printed.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if code != 0 or not lines:
        return Peer(peer.name, problem=f"failed: its benchmark ended with {code}")
    with contextlib.suppress(ValueError):
        raw = json.loads(lines[-1])
        return Peer(peer.name, values(raw), raw)
    return Peer(peer.name, problem="failed: what it printed last is no JSON")
