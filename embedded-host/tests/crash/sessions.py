"""The sessions of the host and their ends.

The ends are drawn from a shuffled deck, which determines the frequency of each end.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from tests.crash.launcher import POINTS

DISK_ENDS = ("eio-write", "eio-sync", "enospc-write")
"""Faults that the host must report before it exits."""
SHIM_KILLS = ("kill-write", "torn-write", "kill-sync")
SYSTEMATIC = 60
"""Number of the last passing of a point that is tested in sequence.

Half of the sessions test the passings 1, 2, 3 and so on. The other sessions test random passings.
"""


@dataclass
class HostSession:
    """A session: the time from the start of a host process to its end."""

    end: str
    """random, starting, one of POINTS, or a mode of shim.c."""
    nth: int = 0
    """Number of the passing, write or sync at which the session ends."""
    seconds: float = 0.0
    """Duration, from the start of the process (``starting``) or from the host's readiness."""
    worker_kills: int = 0
    """Number of worker processes that are killed."""
    power_cut: bool = False
    """True if unsynced writes are lost at the end."""
    clock: float | None = None
    """Jump of the clock in the middle of the session, in seconds from its latest time."""
    short_writes: int = 0
    """The number n if every nth write is short; 0 if no write is short."""

    def __str__(self) -> str:
        parts = [f"{self.end}:{self.nth}" if self.nth else f"{self.end} {self.seconds:.2f} s"]
        parts += [f"{self.worker_kills} workers killed"] if self.worker_kills else []
        parts += ["power cut"] if self.power_cut else []
        parts += [f"clock {self.clock:+g} s"] if self.clock is not None else []
        parts += ["short writes"] if self.short_writes else []
        return ", ".join(parts)


def once_each(*, shim: bool) -> list[str]:
    """Return every kind of end once."""
    return ["random", "starting", *POINTS, *((*SHIM_KILLS, *DISK_ENDS) if shim else ())]


class SessionDeck:
    """A source of sessions. Every kind of end occurs once in the first sessions."""

    def __init__(self, chance: random.Random, *, shim: bool) -> None:
        self._chance, self._shim = chance, shim
        self._deck = once_each(shim=shim)
        chance.shuffle(self._deck)
        self._visits: Counter[str] = Counter()

    def next(self) -> HostSession:
        """Return the next session."""
        chance = self._chance
        if not self._deck:
            self._deck = ["random"] * 3 + ["starting"] * 2 + [*POINTS] * 2
            self._deck += [*SHIM_KILLS, *DISK_ENDS] if self._shim else []
            chance.shuffle(self._deck)
        end = self._deck.pop()
        session = HostSession(end, seconds=chance.uniform(0.05, 0.9))
        if end in POINTS:
            session.nth = self._passing(end)
        elif end not in ("random", "starting"):
            session.nth = int(2 ** chance.uniform(0, 9 if "write" in end else 7))
        if end == "random" and chance.random() < 0.6:
            session.worker_kills = chance.randint(1, 2)  # after three kills, a message fails
        if self._shim and not session.nth and chance.random() < 0.4:
            session.short_writes = chance.randint(2, 9)
        if self._shim and end not in DISK_ENDS and chance.random() < 0.5:
            session.power_cut = True
        if chance.random() < 0.3:
            session.clock = chance.choice((-3600.0, -30.0, -3.0, -1.0, 0.0, 0.0, 1.0, 5.0, 3600.0))
        return session

    def _passing(self, point: str) -> int:
        self._visits[point] += 1
        number = (self._visits[point] + 1) // 2
        if self._visits[point] % 2 and number <= SYSTEMATIC:
            return number
        return int(2 ** self._chance.uniform(0, 8))
