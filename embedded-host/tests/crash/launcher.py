"""Starts a host that kills itself at a chosen commit boundary, or at none: ``python -m tests.crash.launcher POINT:N start …``.

The host is the real one, command line and all; only the passings of a boundary are counted. Nothing of this is in the package.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

POINTS = {
    "before-stage": "a turn has run, nothing of it is in the transaction",
    "staged": "all of it is in the transaction, nothing is committed",
    "committed": "it is on disk, nobody has been told",
    "told": "who waited for it has been told, nothing has left",
}


def die() -> None:
    """No line of the host's code runs any more."""
    if os.name == "nt":
        os.kill(os.getpid(), signal.SIGTERM)  # TerminateProcess
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, at: int) -> None:
    """Die at the ``at``-th passing of ``point``."""
    from embedded_host.store.sqlite import SqliteStore
    from embedded_host.task_hub.commit import GroupCommit

    passings = count(1)

    def passing(name: str) -> None:
        if name == point and next(passings) == at:
            die()

    def around(original: Callable[..., Any], before: str | None, after: str) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            if before:
                passing(before)
            result = original(*arguments)
            passing(after)
            return result

        return wrapped

    store: Any = SqliteStore
    commit: Any = GroupCommit
    store.stage = around(SqliteStore.stage, "before-stage", "staged")
    store.commit = around(SqliteStore.commit, None, "committed")
    commit._finish = around(GroupCommit._finish, None, "told")


def move_clock(file: Path) -> None:
    """As shim.c does, for the task hub alone: where there can be no shim."""
    from embedded_host.task_hub.clock import WallClock

    now = WallClock.now

    def moved(self: WallClock) -> datetime:
        return now(self) + timedelta(
            microseconds=int.from_bytes(file.read_bytes(), sys.byteorder, signed=True) // 1000
        )

    clock: Any = WallClock
    clock.now = moved


def main(arguments: Sequence[str]) -> int:
    point, _, at = arguments[0].partition(":")
    if point not in (*POINTS, "none"):
        raise SystemExit(f"no such point: {point!r}; there are {', '.join(POINTS)}, none")
    if point != "none":
        arm(point, int(at))
    if "CRASH_CLOCK" in os.environ and "LD_PRELOAD" not in os.environ:
        move_clock(Path(os.environ["CRASH_CLOCK"]))
    from embedded_host.cli import main as host

    sys.argv[1:] = arguments[1:]
    return host()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
