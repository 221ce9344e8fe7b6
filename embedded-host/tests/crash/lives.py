"""How each life of the host ends: chosen by chance from a deck, so that every way comes as often as it is in there."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from tests.crash.launcher import POINTS

DISK_ENDS = ("eio-write", "eio-sync", "enospc-write")
"""Faults that the host notices: it has to end by itself and say why."""
SHIM_KILLS = ("kill-write", "torn-write", "kill-sync")
SYSTEMATIC = 60
"""Of the passings of a point the first so many have their turn one after the other; others come by chance."""


@dataclass
class Life:
    end: str
    """random, starting, one of POINTS, or a mode of shim.c."""
    at: int = 0
    """The how-manieth passing, write or sync."""
    seconds: float = 0.0
    """random, starting: how long it lives, from when it is ready or from its start."""
    worker_kills: int = 0
    power_cut: bool = False
    """What it had not synced is lost with it."""
    clock: float | None = None
    """Where the clock jumps to in the middle of it: seconds from the furthest it has been."""
    short_writes: int = 0
    """Every so-manieth write of it is a short one."""

    def __str__(self) -> str:
        parts = [f"{self.end}:{self.at}" if self.at else f"{self.end} {self.seconds:.2f} s"]
        parts += [f"{self.worker_kills} workers killed"] if self.worker_kills else []
        parts += ["power cut"] if self.power_cut else []
        parts += [f"clock {self.clock:+g} s"] if self.clock is not None else []
        parts += ["short writes"] if self.short_writes else []
        return ", ".join(parts)


def once_each(*, shim: bool) -> list[str]:
    """Every way to end."""
    return ["random", "starting", *POINTS, *((*SHIM_KILLS, *DISK_ENDS) if shim else ())]


class Lives:
    """The first lives end in every way once."""

    def __init__(self, chance: random.Random, *, shim: bool) -> None:
        self._chance, self._shim = chance, shim
        self._deck = once_each(shim=shim)
        chance.shuffle(self._deck)
        self._visits: Counter[str] = Counter()

    def next(self) -> Life:
        chance = self._chance
        if not self._deck:
            self._deck = ["random"] * 3 + ["starting"] * 2 + [*POINTS] * 2
            self._deck += [*SHIM_KILLS, *DISK_ENDS] if self._shim else []
            chance.shuffle(self._deck)
        end = self._deck.pop()
        life = Life(end, seconds=chance.uniform(0.05, 0.9))
        if end in POINTS:
            life.at = self._passing(end)
        elif end not in ("random", "starting"):
            life.at = int(2 ** chance.uniform(0, 9 if "write" in end else 7))
        if end == "random" and chance.random() < 0.6:
            life.worker_kills = chance.randint(
                1, 2
            )  # three would be enough to make a message fail for good
        if self._shim and not life.at and chance.random() < 0.4:
            life.short_writes = chance.randint(2, 9)
        if self._shim and end not in DISK_ENDS and chance.random() < 0.5:
            life.power_cut = True
        if chance.random() < 0.3:
            life.clock = chance.choice((-3600.0, -30.0, -3.0, -1.0, 0.0, 0.0, 1.0, 5.0, 3600.0))
        return life

    def _passing(self, point: str) -> int:
        self._visits[point] += 1
        number = (self._visits[point] + 1) // 2
        if self._visits[point] % 2 and number <= SYSTEMATIC:
            return number
        return int(2 ** self._chance.uniform(0, 8))
