"""The sizes of the measurements: sizes for the targets, and small sizes for a quick check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of instances, runs and seconds. "Hello" means a run of HelloOrchestrator."""

    cold_starts: int = 5
    warm: int = 200
    """Hellos in sequence in each run."""
    throughput: int = 2000
    """Hellos of concurrent clients in each run."""
    clients: int = 32
    """Concurrent clients."""
    fan_out: tuple[int, ...] = (500, 2000)
    """Activities of each fan-out."""
    chain: tuple[int, ...] = (10, 100, 1000)
    """Activities of each chain."""
    settle: float = 3.0
    """Seconds of idle time before memory is measured."""
    finished: int = 100_000
    """Finished instances in the state."""
    failed_every: int = 1000
    """Finished instances for each failed instance. All others are completed."""
    pairs: int = 6
    """Rounds of the comparison of two hosts."""
    pair_throughput: int = 1000
    """Hellos of concurrent clients in each round."""
    starts: int = 5
    """Starts of a host with a filled state."""
    requests: int = 30
    """Requests of each page."""
    waiting: int = 10_000
    """Waiting instances."""
    first: float = 45.0
    """Seconds after the start of the last waiting instance.

    In this time, the host does the work that is necessary only once for each waiting instance."""
    watched: float = 20.0
    """Seconds after ``first`` in which the CPU time of waiting instances is measured."""
    warm_up: int = 2000
    """Hellos before the memory of waiting instances is measured."""
    payloads: int = 50
    """Orchestrations with each payload in each run."""
    purged: int = 20_000
    """Finished instances to purge."""


FULL = Sizes()
QUICK = Sizes(
    cold_starts=2,
    warm=20,
    throughput=100,
    clients=8,
    fan_out=(20, 50),
    chain=(5, 10, 20),
    settle=0.5,
    finished=2000,
    failed_every=100,
    pairs=2,
    pair_throughput=50,
    starts=1,
    requests=3,
    waiting=100,
    first=1.0,
    watched=1.0,
    warm_up=50,
    payloads=5,
    purged=500,
)
