"""Start, measurement and stop of a process together with its descendants."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

_STOP_SIGNAL: int = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)


def spawn(
    command: Sequence[str],
    *,
    out: IO[bytes] | int,
    err: IO[bytes] | int | None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a new process group.

    Ctrl+C at the terminal then reaches only the benchmark, which stops its processes in order.
    """
    group: dict[str, Any] = (
        {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=environment, **group
    )


def process_tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the process and its present descendants; an empty list if it has exited."""
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    return []


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the user and system time of the process and its descendants in seconds."""
    total = 0.0
    for member in process_tree(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
    return total


def memory_mib(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of the process and its descendants.

    Shared memory is counted for each process.
    """
    total = 0
    for member in process_tree(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total / 2**20


def stop(
    process: subprocess.Popen[bytes], stop_signal: int | None = None, seconds: float = 10
) -> None:
    """Send the process a signal, and kill it and its descendants after ``seconds``."""
    members = process_tree(process)
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(_STOP_SIGNAL if stop_signal is None else stop_signal)
    _, left = psutil.wait_procs(members, timeout=seconds)
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
