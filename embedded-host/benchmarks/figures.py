"""Figures, which are the results of measurements, and their targets."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound for the value of a figure."""

    bound: float
    at_least: bool = False
    """True if the value must not be lower than the bound. By default it must not be higher."""
    strict: bool = False
    """True if the value must not be equal to the bound either."""

    def met(self, value: float) -> bool:
        """Return true if the value meets the target."""
        if value == self.bound:
            return not self.strict
        return value > self.bound if self.at_least else value < self.bound

    def __str__(self) -> str:
        sign = (">" if self.at_least else "<") + ("" if self.strict else "=")
        return f"{sign} {self.bound:g}"


@dataclass(frozen=True)
class Figure:
    """A measured quantity."""

    key: str
    text: str
    """The title in the report."""
    unit: str
    runs: tuple[float, ...]
    """The value of each run."""
    target: Target | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def met(self) -> bool | None:
        """True if the value meets the target; None without a target."""
        return None if self.target is None else self.target.met(self.value)


def figure(key: str, text: str, unit: str, runs: Sequence[float], note: str = "") -> Figure:
    """Return a figure with the target of its key in ``TARGETS``."""
    return Figure(key, text, unit, tuple(runs), TARGETS.get(key), note)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of ``values`` that at least ``percent`` % of them do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # division, rounded up
    return ordered[max(0, int(rank) - 1)]


_AT_MOST_A_TENTH_MORE = Target(1.10)
_PAGE_MS = Target(20, strict=True)
_KIB_EACH = Target(1, strict=True)
_NO_CPU = Target(0.02)
"""A target of 0.02 s more CPU time than an idle host: two ticks of the clock for CPU time."""
_STALL_MS = Target(50)

# Keys contain the sizes, so that these targets do not apply to a run with other sizes.
TARGETS = {
    "cold_start": Target(0.60),
    "hello_p50": Target(4),
    "hello_p95": Target(7),
    "hello_per_second": Target(700, at_least=True),
    "against_restate": Target(1, at_least=True, strict=True),
    "sdk2_cpu_to_1x": Target(1.5),
    "fan_out_500": Target(0.4),
    "fan_out_2000": Target(1.6),
    "chain_1000_to_10": Target(1.5),
    "memory_idle": Target(100),
    "memory_after_6000": Target(130),
    **{
        f"finished_100000_{quantity}": _AT_MOST_A_TENTH_MORE
        for quantity in (
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
        f"purge_20000_{quantity}": _STALL_MS
        for quantity in ("stall", "stall_list", "stall_no_match", "shrink_stall")
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
        f"waiting_10000_{kind}_{quantity}": target
        for kind in ("timers", "events")
        for quantity, target in (
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
"""The targets of the project, by the figures' keys."""
