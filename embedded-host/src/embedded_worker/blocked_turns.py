"""Logs a warning with the executing line if an orchestrator blocks for a second."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import NamedTuple

from embedded_worker.code_positions import thread_position

log = logging.getLogger("embedded_host.workers")
BLOCKED_AFTER = 1.0
"""Seconds after which a turn counts as blocked."""
_INTERVAL = 0.1
"""Seconds between two checks. No checks run while no turn runs."""


class _RunningTurn(NamedTuple):
    started: float
    name: str
    instance_id: str
    root: Path


class BlockedTurns:
    """Checks the running turns ten times a second in a separate thread.

    A timer for each turn would need more time.
    """

    def __init__(self) -> None:
        self._turns: dict[int, _RunningTurn] = {}
        """Running turns by thread id."""
        self._started = threading.Event()
        self._checking = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def begin(self, name: str, instance_id: str, root: Path) -> None:
        """Watch a turn of the orchestrator ``name`` in this thread. ``root`` is the app folder."""
        self._turns[threading.get_ident()] = _RunningTurn(time.monotonic(), name, instance_id, root)
        if not self._checking:
            self._checking = True
            # If the system refuses another thread, no warnings are logged.
            with contextlib.suppress(Exception):
                self._start()
            self._started.set()

    def end(self) -> None:
        """Stop watching the turn of this thread."""
        self._turns.pop(threading.get_ident(), None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._check, name="blocked-turns", daemon=True)
                thread.start()
                self._thread = thread

    def _check(self) -> None:
        warned: set[_RunningTurn] = set()
        while True:
            self._started.wait()
            self._started.clear()
            while self._checking:
                time.sleep(_INTERVAL)
                # Reset the flag before the check, because a turn that starts during it sets it.
                self._checking = False
                running = dict(self._turns)
                warned &= set(running.values())
                for thread_id, turn in running.items():
                    self._checking = True
                    if turn not in warned and time.monotonic() - turn.started >= BLOCKED_AFTER:
                        warned.add(turn)
                        _warn(thread_id, turn)


def _warn(thread_id: int, turn: _RunningTurn) -> None:
    position = thread_position(thread_id, turn.root)
    if position:
        log.warning(
            "Orchestrator '%s' of instance '%s' has blocked for a second at %s. Move blocking work "
            "into an activity, and wait with yield context.create_timer(...). [EH408]",
            turn.name,
            turn.instance_id,
            position,
        )
