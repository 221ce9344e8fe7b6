"""Says where an orchestrator is that has not come back after a second."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import NamedTuple

from embedded_worker.orchestrator_lint import where_it_is

log = logging.getLogger("embedded_host.workers")
LATE = 1.0
"""Seconds."""
_LOOK = 0.1
"""Seconds between two looks. There are none while no turn begins."""


class _Turn(NamedTuple):
    began: float
    name: str
    instance_id: str
    root: Path


class BlockedTurns:
    """A thread looks ten times a second while turns begin: a timer for each of them would cost more than it."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}
        """Those that run, by thread."""
        self._begun = threading.Event()
        self._looks = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def begin(self, name: str, instance_id: str, root: Path) -> None:
        """A turn of the orchestrator ``name`` begins in this thread; ``root`` is the app's folder."""
        self._turns[threading.get_ident()] = _Turn(time.monotonic(), name, instance_id, root)
        if not self._looks:
            self._looks = True
            with contextlib.suppress(Exception):  # where no further thread is to be had, nobody looks
                self._start()
            self._begun.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._look, name="blocked-turns", daemon=True)
                thread.start()
                self._thread = thread

    def end(self) -> None:
        self._turns.pop(threading.get_ident(), None)

    def _look(self) -> None:
        told: set[_Turn] = set()
        while True:
            self._begun.wait()
            self._begun.clear()
            while self._looks:
                time.sleep(_LOOK)
                # Before the look: a turn that begins during it sets it again.
                self._looks = False
                running = dict(self._turns)
                told &= set(running.values())
                for thread_id, turn in running.items():
                    self._looks = True
                    if turn not in told and time.monotonic() - turn.began >= LATE:
                        told.add(turn)
                        _tell(thread_id, turn)


def _tell(thread_id: int, turn: _Turn) -> None:
    place = where_it_is(thread_id, turn.root)
    if place:
        log.warning(
            "Orchestrator '%s' of instance '%s' has not come back for a second; it is at %s. An orchestrator must not block: "
            "do such work in an activity, and wait with yield context.create_timer(...). [EH408]",
            turn.name,
            turn.instance_id,
            place,
        )
