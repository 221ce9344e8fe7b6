"""How much is measured: as the targets want it, or just enough to see that everything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    cold_starts: int = 5
    warm: int = 200
    """Hellos, one after the other, in each run."""
    throughput: int = 2000
    clients: int = 32
    fan_out: tuple[int, ...] = (500, 2000)
    chain: tuple[int, ...] = (10, 100, 1000)
    settle: float = 3.0
    """Seconds before memory is read."""
    finished: int = 100_000
    failed_every: int = 1000
    pairs: int = 6
    """Rounds of two hosts in turns."""
    pair_throughput: int = 1000
    starts: int = 5
    requests: int = 30
    """Times that each page is asked for."""
    waiting: int = 10_000
    first: float = 45.0
    """Seconds from the start of the last waiting instance, with what the host does once for each of them."""
    watched: float = 20.0
    """Seconds behind those over which waiting instances' CPU is counted."""
    warm_up: int = 2000
    """Hellos before the memory of waiting instances is measured."""
    payloads: int = 50
    purged: int = 20_000


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
