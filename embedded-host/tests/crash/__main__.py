"""``python -m tests.crash --kills 500`` or ``--hours 3``: kills a host under load and says what was lost (nothing, if all is well)."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.crash.run import Run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--kills", type=int, metavar="N", help="stop after so many kills")
    bound.add_argument("--hours", type=float, metavar="N", help="stop after so long")
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(10**6),
        help="repeats a run's plan",
    )
    parser.add_argument(
        "--kills-a-state", type=int, default=50, metavar="N", help="then it is checked (50)"
    )
    parser.add_argument(
        "--no-shim", action="store_true", help="no faults of the disk, no power cuts"
    )
    parser.add_argument("--verbose", action="store_true", help="say how each life ended")
    parser.add_argument(
        "--folder", type=Path, help="where the states are; kept if anything is found"
    )
    options = parser.parse_args()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="crash-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        print(text, flush=True)

    run = Run(
        folder,
        options.seed,
        kills=options.kills,
        seconds=None if options.hours is None else options.hours * 3600,
        kills_a_state=options.kills_a_state,
        use_shim=not options.no_shim,
        verbose=options.verbose,
        say=say,
    )

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        run.stop()
        say("no more kills: what runs gets to its end and is checked; Ctrl+C again ends it at once")

    signal.signal(signal.SIGINT, stop)
    say(f"seed {options.seed}, in {folder}")
    if run.without_shim:
        say(f"no failing disks and no power cuts: {run.without_shim}")
    tally = asyncio.run(run.run())
    say(tally.summary())
    if not tally.findings and options.folder is None:
        shutil.rmtree(folder)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
