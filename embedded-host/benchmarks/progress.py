"""Progress of a run on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


class Progress:
    """Lines with the time since the start of the run, and progress bars."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._began = time.perf_counter()

    def log(self, message: str) -> None:
        """Print a line."""
        self._console.print(f"{time.perf_counter() - self._began:7.1f} s  {message}", markup=False)

    def track(self, items: Sequence[T], description: str) -> Iterable[T]:
        """Return an iterable of the items that shows a progress bar on a terminal."""
        self.log(description)
        return track(
            items,
            description,
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
