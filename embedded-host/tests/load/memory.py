"""What a host and its workers hold while they are under load, and whether it grows."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from statistics import median

import psutil

from tests.support.running_host import RunningHost

MB = 1024 * 1024
ALLOWED, ALLOWED_SHARE = 12.0, 0.10
"""MB, and share of it, by which the memory of the last quarter may exceed that of the second: an allocator's unrest."""


@dataclass(frozen=True)
class Sample:
    """Memory in MB."""

    seconds: float
    host: float
    workers: float
    files: int
    """File descriptors of the host, 0 where the system does not tell."""
    state: float

    def __str__(self) -> str:
        return (
            f"{self.seconds:7.0f} s  host {self.host:6.1f} MB  workers {self.workers:6.1f} MB  "
            f"files {self.files:5d}  state {self.state:7.1f} MB"
        )


@dataclass
class Memory:
    host: RunningHost
    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def sample(self) -> Sample:
        process = psutil.Process(self.host.process.pid)
        workers = 0
        for worker in self.host.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                workers += worker.memory_info().rss
        state = sum(file.stat().st_size for file in self.host.state.glob("state.db*"))
        taken = Sample(
            time.monotonic() - self.began,
            process.memory_info().rss / MB,
            workers / MB,
            process.num_fds() if hasattr(process, "num_fds") else 0,
            state / MB,
        )
        self.samples.append(taken)
        return taken


def growth(samples: list[Sample]) -> list[str]:
    """What has grown between the second quarter of the time and the last, in words; empty if nothing has. The first quarter is
    for warming up."""
    if len(samples) < 8:
        raise ValueError("eight samples or more tell something about growth")
    quarter = len(samples) // 4
    found = []
    for name in ("host", "workers", "files"):
        before = median(getattr(sample, name) for sample in samples[quarter : 2 * quarter])
        after = median(getattr(sample, name) for sample in samples[-quarter:])
        if after > before * (1 + ALLOWED_SHARE) + ALLOWED:
            found.append(f"{name} grew from {before:.1f} to {after:.1f}")
    return found
