"""One input after the other, each with a deadline."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import Target

DEADLINE = 5.0
"""Seconds for one input, on a machine that has other things to do too."""


class TooSlowError(AssertionError):
    pass


@dataclass
class Findings:
    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    found: dict[str, bytes] = field(default_factory=dict)
    """What went wrong, in words -> the input. One of each kind."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises TooSlowError; where there are no such signals, afterwards."""
    began = time.monotonic()
    timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if timed:

        def late(number: int, frame: object) -> None:
            raise TooSlowError(f"more than {seconds} s")

        before = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    if time.monotonic() - began > seconds:
        raise TooSlowError(f"more than {seconds} s")


def run(
    target: Target,
    inputs: int,
    seed: int,
    said: Callable[[str, bytes], None] = lambda text, data: None,
) -> Findings:
    """``said`` is told each new kind of finding."""
    random, findings, began = Random(seed), Findings(), time.monotonic()
    for number in range(inputs):
        data = target.seeds[number] if number < len(target.seeds) else mutated(random, target.seeds)
        at = time.monotonic()
        try:
            with deadline(DEADLINE):
                target.call(data)
        except Exception as error:
            kind = f"{type(error).__name__}: {str(error)[:60]}"
            if kind not in findings.found:
                findings.found[kind] = data
                said(f"{type(error).__name__}: {str(error)[:500]}", data)
        findings.slowest = max(findings.slowest, time.monotonic() - at)
        findings.inputs += 1
    findings.seconds = time.monotonic() - began
    return findings
