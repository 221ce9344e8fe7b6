"""Runs of a target: many inputs, each with a deadline."""

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
"""The maximum time for one input in seconds. It allows for other load on the machine."""


class TooSlowError(AssertionError):
    """An input took longer than its deadline."""


@dataclass
class Findings:
    """The result of a run."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    """The longest time of one input in seconds."""
    by_kind: dict[str, bytes] = field(default_factory=dict)
    """The first input of each kind of finding. A kind is the beginning of the error message."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TooSlowError if the block takes more than ``seconds``.

    Without support for alarms, it is raised at the end of the block.
    """
    began = time.monotonic()
    timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if timed:

        def on_alarm(number: int, frame: object) -> None:
            raise TooSlowError(f"more than {seconds} s")

        before = signal.signal(signal.SIGALRM, on_alarm)
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
    report: Callable[[str, bytes], None] = lambda description, data: None,
) -> Findings:
    """Call a target with its seeds and then with mutated inputs.

    ``report`` receives the error message and the input of each new kind of finding.
    """
    random, findings, began = Random(seed), Findings(), time.monotonic()
    for number in range(inputs):
        data = target.seeds[number] if number < len(target.seeds) else mutated(random, target.seeds)
        started = time.monotonic()
        try:
            with deadline(DEADLINE):
                target.call(data)
        except Exception as error:
            kind = f"{type(error).__name__}: {str(error)[:60]}"
            if kind not in findings.by_kind:
                findings.by_kind[kind] = data
                report(f"{type(error).__name__}: {str(error)[:500]}", data)
        findings.slowest = max(findings.slowest, time.monotonic() - started)
        findings.inputs += 1
    findings.seconds = time.monotonic() - began
    return findings
