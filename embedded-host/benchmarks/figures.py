"""What a measurement comes to: a figure with its runs, and what it has to reach."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """``bound`` is the last value that is good enough; with ``strict`` the first that is not."""

    bound: float
    at_least: bool = False
    strict: bool = False

    def met(self, value: float) -> bool:
        if value == self.bound:
            return not self.strict
        return value > self.bound if self.at_least else value < self.bound

    def __str__(self) -> str:
        sign = (">" if self.at_least else "<") + ("" if self.strict else "=")
        return f"{sign} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """``runs`` holds the value of every run; their median is the figure's value, their range its spread."""

    key: str
    text: str
    unit: str
    runs: tuple[float, ...]
    target: Target | None = None
    note: str = ""

    @property
    def value(self) -> float:
        return statistics.median(self.runs)

    @property
    def met(self) -> bool | None:
        """None without a target."""
        return None if self.target is None else self.target.met(self.value)


def figure(key: str, text: str, unit: str, runs: Sequence[float], note: str = "") -> Figure:
    """A figure with the target that the project has for ``key``, if it has one."""
    return Figure(key, text, unit, tuple(runs), TARGETS.get(key), note)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of ``values`` do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


_WITHIN_A_TENTH = Target(1.10)
_PAGE_MS = Target(20, strict=True)
_KIB_EACH = Target(1, strict=True)
_NO_CPU = Target(0.02)
"""Seconds of CPU more than an empty host: two ticks of the clock that counts them."""
_STALL_MS = Target(50)

# Keys name the sizes, so that a run with other sizes (--quick) is held to no target but those it can be held to.
TARGETS = {
    "cold_start": Target(0.60),
    "hello_p50": Target(4),
    "hello_p95": Target(7),
    "hello_per_second": Target(700, at_least=True),
    "against_restate": Target(1, at_least=True, strict=True),
    "fan_out_500": Target(0.4),
    "fan_out_2000": Target(1.6),
    "chain_1000_to_10": Target(1.5),
    "memory_idle": Target(100),
    "memory_after_6000": Target(130),
    **{
        f"finished_100000_{what}": _WITHIN_A_TENTH
        for what in (
            "hello_p50",
            "hello_p95",
            "throughput",
            "fan_out_500",
            "fan_out_2000",
            "chain_100",
            "start",
            "memory",
        )
    },
    "finished_100000_start_s": Target(1, strict=True),
    **{
        f"purge_20000_{what}": _STALL_MS
        for what in ("stall", "stall_list", "stall_no_match", "shrink_stall")
    },
    **{
        f"finished_100000_page_{name}": _PAGE_MS
        for name in (
            "any",
            "failed",
            "completed",
            "created_narrow",
            "created_wide",
            "created_all",
            "two_statuses",
            "prefix",
            "completed_created",
            "failed_created",
            "last",
        )
    },
    **{
        f"waiting_10000_{kind}_{what}": target
        for kind in ("timers", "events")
        for what, target in (
            ("cpu_first", _NO_CPU),
            ("cpu", _NO_CPU),
            ("cpu_restarted", _NO_CPU),
            ("memory", _KIB_EACH),
            ("memory_more", _KIB_EACH),
            ("memory_restarted", _KIB_EACH),
            ("start_s", Target(1, strict=True)),
        )
    },
}
"""By key: what to reach."""
