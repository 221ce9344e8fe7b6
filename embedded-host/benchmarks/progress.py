"""What a long run shows on standard error while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


class Progress:
    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._began = time.perf_counter()

    def say(self, text: str) -> None:
        self._console.print(f"{time.perf_counter() - self._began:7.1f} s  {text}", markup=False)

    def through(self, items: Sequence[T], what: str) -> Iterable[T]:
        """``items``, with a bar on a terminal."""
        self.say(what)
        return track(
            items,
            what,
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
