"""What every measurement is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import Host
from benchmarks.progress import Progress
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Bench:
    python: Path
    """The interpreter that runs the host."""
    folder: Path
    """For states and logs: on a disk, and empty."""
    sizes: Sizes
    rounds: int
    progress: Progress

    def host(self, state: str) -> Host:
        """``state`` names a folder: the same name carries on where an earlier host stopped."""
        return Host(self.python, self.folder / state)
