"""The launcher of a host that kills itself at a commit boundary.

``python -m tests.crash.launcher POINT:N start ...`` runs the command line of the host, which kills
itself at the Nth passing of a point. With the point ``none``, it does not kill itself. The code for
this is only in this module, not in the package.
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
    "before-stage": "the turn has run, and its changes are not in the transaction",
    "staged": "the changes are in the transaction, which is not committed",
    "committed": "the changes are on the disk, but the waiting code is not notified",
    "notified": "the waiting code is notified, but no response was sent",
}
"""The commit boundaries, and the state of a turn's changes at each."""


def die() -> None:
    """Kill the process, so that no other line of the host's code runs."""
    if os.name == "nt":
        os.kill(os.getpid(), signal.SIGTERM)  # TerminateProcess
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, nth: int) -> None:
    """Make the host kill itself at the nth passing of a point."""
    from embedded_host.store.sqlite import SqliteStore
    from embedded_host.task_hub.commit import GroupCommit

    passings = count(1)

    def passing(name: str) -> None:
        if name == point and next(passings) == nth:
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
    commit._finish = around(GroupCommit._finish, None, "notified")


def move_clock(file: Path) -> None:
    """Set the clock of the task hub from a file. Used on systems without the shim."""
    from embedded_host.task_hub.clock import WallClock

    now = WallClock.now

    def moved(self: WallClock) -> datetime:
        return now(self) + timedelta(
            microseconds=int.from_bytes(file.read_bytes(), sys.byteorder, signed=True) // 1000
        )

    clock: Any = WallClock
    clock.now = moved


def repeat_calls_of_killed_workers() -> None:
    """Make the host run the calls of a killed worker again.

    Otherwise, a call that runs alone in the worker fails, as on the Azure Functions host, and its
    instance can fail too. A repeated call must have its effect exactly once, so it tests more.
    """
    from embedded_host.workers import pool
    from embedded_host.workers.worker_process import shell_exit_code as known

    changed: Any = pool
    changed.shell_exit_code = lambda code: known(code) if code >= 0 and os.name != "nt" else None


def main(arguments: Sequence[str]) -> int:
    """Run the host. ``arguments`` are POINT:N and the arguments of the host."""
    point, _, nth = arguments[0].partition(":")
    if point not in (*POINTS, "none"):
        raise SystemExit(f"{point!r} is not a point; use one of {', '.join(POINTS)}, none")
    if point != "none":
        arm(point, int(nth))
    if "CRASH_CLOCK" in os.environ and "LD_PRELOAD" not in os.environ:
        move_clock(Path(os.environ["CRASH_CLOCK"]))
    repeat_calls_of_killed_workers()
    from embedded_host.cli import main as host

    sys.argv[1:] = arguments[1:]
    return host()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
