"""Processes that a benchmark starts: a whole family is measured, and a whole family is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

_ASK: int = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)


def spawn(
    command: Sequence[str],
    *,
    out: IO[bytes] | int,
    err: IO[bytes] | int | None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """In a group of its own: a Ctrl+C at the terminal is for the benchmark, which then ends its processes in order."""
    group: dict[str, Any] = (
        {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=environment, **group
    )


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and all that descend from it, as they live now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    return []


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """User and system time that the family has taken so far."""
    total = 0.0
    for member in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
    return total


def memory_mib(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of the family; what its members share counts in each."""
    total = 0
    for member in family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total / 2**20


def end(process: subprocess.Popen[bytes], how: int | None = None, seconds: float = 10) -> None:
    """Ask the process to end; after ``seconds`` end what is left of its family."""
    members = family(process)
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(_ASK if how is None else how)
    _, left = psutil.wait_procs(members, timeout=seconds)
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
