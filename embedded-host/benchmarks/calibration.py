"""Measurement of the machine's speed during a run, to compare runs of different machines."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.figures import Figure, figure, percentile

_LOOPS = 5_000_000
_WRITES = 200


def calibrate(bench: Bench, when: str) -> list[Figure]:
    """Measure the machine. The keys of the figures contain ``when``, for example ``before``."""
    loop, sync = _loop_seconds(), _fdatasync_ms(bench.folder / "calibration")
    bench.progress.log(f"machine {when}: python loop {loop:.3f} s, fdatasync {sync:.2f} ms")
    return [
        figure(
            f"machine_loop_{when}",
            f"the machine {when}: {_LOOPS:,} iterations of a Python loop",
            "s",
            [loop],
        ),
        figure(
            f"machine_fdatasync_{when}",
            f"the machine {when}: fdatasync of 4 KiB, p50",
            "ms",
            [sync],
        ),
    ]


def _loop_seconds() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(_LOOPS):
        total += number * number
    return time.perf_counter() - began


def _fdatasync_ms(path: Path) -> float:
    sync = getattr(os, "fdatasync", os.fsync)  # Windows and macOS have no fdatasync
    block, took = bytes(4096), []
    with path.open("wb", buffering=0) as file:
        for _ in range(_WRITES):
            file.write(block)
            began = time.perf_counter()
            sync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    path.unlink()
    return percentile(took, 50)
