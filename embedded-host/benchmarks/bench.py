"""The settings of a run, which every measurement receives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.host import APP, Host
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
    app: Path = APP
    """The folder of the app."""
    app_python: Path | None = None
    """The interpreter of the app for SDK 2.x."""

    def host(self, state: str) -> Host:
        """Return a host that is not started.

        ``state`` is the name of its state folder. Hosts with the same name share their state.
        """
        app_python = None if self.app == APP else self.app_python
        return Host(self.python, self.folder / state, self.app, app_python)
