"""Kill a host under load and check its data: ``python -m tests.crash --kills 500``."""

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
from tests.support.app_python import select_app_python


def main() -> int:
    """Run the command. Return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    bound = parser.add_mutually_exclusive_group(required=True)
    bound.add_argument("--kills", type=int, metavar="N", help="stop after N kills")
    bound.add_argument("--hours", type=float, metavar="N", help="stop after N hours")
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(10**6),
        help="use the seed of an earlier run to repeat its sessions",
    )
    parser.add_argument(
        "--kills-a-state",
        type=int,
        default=50,
        metavar="N",
        help="check each state after N kills (default: 50)",
    )
    parser.add_argument("--no-shim", action="store_true", help="omit disk faults and power cuts")
    parser.add_argument("--verbose", action="store_true", help="log the end of each session")
    parser.add_argument(
        "--folder", type=Path, help="folder for the state files (default: a temporary folder)"
    )
    parser.add_argument(
        "--app-python",
        metavar="PATH",
        help="start worker processes in this interpreter. With SDK 2.x, the app is that of 2.x",
    )
    options = parser.parse_args()
    if options.app_python:
        select_app_python(options.app_python)
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="crash-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)

    def report(line: str) -> None:
        print(line, flush=True)

    run = Run(
        folder,
        options.seed,
        kills=options.kills,
        seconds=None if options.hours is None else options.hours * 3600,
        kills_a_state=options.kills_a_state,
        use_shim=not options.no_shim,
        verbose=options.verbose,
        report=report,
    )

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        run.stop()
        report("The run ends after a check of the state. Press Ctrl+C again to stop at once.")

    signal.signal(signal.SIGINT, stop)
    report(f"seed {options.seed}, in {folder}")
    if run.without_shim:
        report(f"the run has no disk faults and no power cuts: {run.without_shim}")
    tally = asyncio.run(run.run())
    report(tally.summary())
    if not tally.findings and options.folder is None:
        shutil.rmtree(folder)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
