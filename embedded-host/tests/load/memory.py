"""Memory, file descriptors and state size of a host under load, and their growth."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from statistics import median

import psutil

from tests.support.running_host import RunningHost

MB = 1024 * 1024
ALLOWED, ALLOWED_SHARE = 12.0, 0.10
"""The allowed growth of a value: MB (or file descriptors), plus a share of the value.

It allows for the fluctuation of the memory allocator.
"""


@dataclass(frozen=True)
class Sample:
    """One measurement. Sizes are in MB."""

    seconds: float
    """The time since the first measurement."""
    host: float
    """The memory of the host process."""
    workers: float
    """The memory of all worker processes."""
    files: int
    """The number of file descriptors of the host; 0 on systems that do not report it."""
    state: float
    """The size of the state file and its journal."""

    def __str__(self) -> str:
        return (
            f"{self.seconds:7.0f} s  host {self.host:6.1f} MB  workers {self.workers:6.1f} MB  "
            f"files {self.files:5d}  state {self.state:7.1f} MB"
        )


@dataclass
class Memory:
    """The measurements of a host."""

    host: RunningHost
    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def sample(self) -> Sample:
        """Measure, append the measurement to ``samples``, and return it."""
        process = psutil.Process(self.host.process.pid)
        workers = 0
        for worker in self.host.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                workers += worker.memory_info().rss
        state = sum(file.stat().st_size for file in self.host.state.glob("state.db*"))
        sample = Sample(
            time.monotonic() - self.began,
            process.memory_info().rss / MB,
            workers / MB,
            process.num_fds() if hasattr(process, "num_fds") else 0,
            state / MB,
        )
        self.samples.append(sample)
        return sample


def growth(samples: list[Sample]) -> list[str]:
    """Return a sentence for each value that grew between the second and the last quarter.

    The first quarter is the warm-up. Raises ValueError for fewer than eight samples.
    """
    if len(samples) < 8:
        raise ValueError("growth needs at least eight samples")
    quarter = len(samples) // 4
    sentences = []
    for name in ("host", "workers", "files"):
        before = median(getattr(sample, name) for sample in samples[quarter : 2 * quarter])
        after = median(getattr(sample, name) for sample in samples[-quarter:])
        if after > before * (1 + ALLOWED_SHARE) + ALLOWED:
            sentences.append(f"{name} grew from {before:.1f} to {after:.1f}")
    return sentences
