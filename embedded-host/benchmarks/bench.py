"""The settings of a run, which every measurement receives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import Host
from benchmarks.progress import Progress
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Bench:
    """The settings of a run."""

    python: Path
    """The interpreter that runs the host."""
    folder: Path
    """An empty folder on a disk, for state folders and logs."""
    sizes: Sizes
    rounds: int
    """The number of runs of each figure."""
    progress: Progress

    def host(self, state: str) -> Host:
        """Return a host that is not started.

        ``state`` is the name of its state folder. Hosts with the same name share their state.
        """
        return Host(self.python, self.folder / state)
