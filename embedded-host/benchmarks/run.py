"""Measure the embedded host, and its peers if they are installed.

    python benchmarks/run.py                      all parts
    python benchmarks/run.py --quick              small sizes, to check the benchmark itself
    python benchmarks/run.py --only speed --peer none
    python benchmarks/run.py --only speed,sdk2 --app-python PATH
                                                  SDK 1.x, 2.x and durabletask's in-memory backend

A run of all parts takes ten minutes, plus the time of the peers. The table of figures is printed to
standard output, and the progress to standard error. If a run finishes, the exit code is 0, even if
figures do not meet their targets. The state files are on disk, in benchmarks/.embedded-host, and
are removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.report import Report

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "speed": ("speed",),
    "finished": ("finished",),
    "waiting": ("waiting",),
    "payload": ("payload",),
    "purge": ("purge",),
    "growth": ("finished", "waiting", "payload", "purge"),
    "peers": ("peers",),
    "sdk2": ("sdk2",),
}


def main() -> int:
    """Run the command and return its exit code."""
    parser = arguments()
    options = parser.parse_args()
    if options.only is None:
        options.only = _parts("speed,growth,peers" + (",sdk2" if options.app_python else ""))
    if "sdk2" in options.only and options.app_python is None:
        parser.error("the part sdk2 needs --app-python PATH, an interpreter with SDK 2.x")
    try:
        import aiohttp  # noqa: F401
        import psutil  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        print(
            f"{sys.executable} has no module '{error.name}'. Use the environment of the project, "
            "which `python dev.py test` creates:\n    .venv-dev/bin/python benchmarks/run.py",
            file=sys.stderr,
        )
        return 2
    sys.path.insert(0, str(ROOT))
    # Services and CI jobs are stopped with SIGTERM. It stops all started processes, as Ctrl+C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return asyncio.run(run(options))
    except KeyboardInterrupt:
        print("Interrupted. All started processes are stopped.", file=sys.stderr)
        return 130


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        type=_parts,
        metavar="NAMES",
        help=f"parts to run, separated by commas: {', '.join(PARTS)}",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument(
        "--rounds",
        type=_positive,
        metavar="N",
        help="runs of each figure; default: 3, with --quick 1",
    )
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path.home() / "bench" / "peers",
        metavar="DIR",
        help="folder of the peers; default: ~/bench/peers",
    )
    parser.add_argument(
        "--peer",
        type=_names,
        metavar="NAMES",
        help="peers to run, separated by commas, or none; default: all",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures to this file, too"
    )
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        help="interpreter of the host; default: this one",
    )
    parser.add_argument(
        "--app-python",
        type=Path,
        metavar="PATH",
        help="interpreter with SDK 2.x, for the part sdk2, which runs by default if it is given",
    )
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parts(text: str) -> list[str]:
    unknown = [name for name in _names(text) if name not in PARTS]
    if unknown or not _names(text):
        raise argparse.ArgumentTypeError(
            f"unknown part: {', '.join(unknown) or repr(text)}; parts: {', '.join(PARTS)}"
        )
    return [part for name in _names(text) for part in PARTS[name]]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


async def run(options: argparse.Namespace) -> int:
    """Run the parts, print the report, and return the exit code."""
    from rich.console import Console

    from benchmarks.bench import Bench
    from benchmarks.progress import Progress
    from benchmarks.report import Report, machine
    from benchmarks.sizes import FULL, QUICK

    # The system's temporary folder may be in memory, so the state is in a folder of the benchmark.
    states = Path(__file__).parent / ".embedded-host"
    states.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=states, ignore_cleanup_errors=True) as folder:
        began = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        report = Report(
            began,
            shlex.join(["python", *sys.argv]),
            machine(options.python, Path(folder)),
            quick=options.quick,
        )
        bench = Bench(
            python=options.python,
            folder=Path(folder),
            sizes=QUICK if options.quick else FULL,
            rounds=options.rounds or (1 if options.quick else 3),
            progress=Progress(),
            app_python=options.app_python,
        )
        try:
            await measure(bench, options, report)
        finally:  # an interrupted run also prints its figures
            report.compare()
            if report.figures:
                report.print(Console(width=None if sys.stdout.isatty() else 136))
            if options.json:
                options.json.write_text(
                    json.dumps(report.json(), indent=2) + "\n", encoding="utf-8"
                )
                bench.progress.log(f"written: {options.json}")
    return 0


async def measure(bench: Bench, options: argparse.Namespace, report: Report) -> None:
    """Run the parts and add their figures to the report."""
    from benchmarks import peers
    from benchmarks.calibration import calibrate
    from benchmarks.growth import finished
    from benchmarks.payload import payload
    from benchmarks.purge import purge
    from benchmarks.sdk2 import in_memory_backend, sdk2
    from benchmarks.speed import speed
    from benchmarks.waiting import waiting

    parts = {
        "speed": speed,
        "finished": finished,
        "waiting": waiting,
        "payload": payload,
        "purge": purge,
    }
    report.add(calibrate(bench, "before"))
    # The peers run directly after the figures that they are compared with.
    for name in sorted(
        dict.fromkeys(options.only),
        key=("speed", "sdk2", "peers", "finished", "waiting", "payload", "purge").index,
    ):
        if name == "sdk2":
            report.add(await sdk2(bench))
            report.peers.append(await in_memory_backend(bench))
            continue
        if name != "peers":
            report.add(await parts[name](bench))
            continue
        wanted = options.peer if options.peer is not None else peers.names(options.peers)
        if not wanted:
            bench.progress.log(f"there are no peers in {options.peers}")
        measured, before_each = await peers.measure(
            bench, options.peers, [] if wanted == ["none"] else wanted, options.quick
        )
        report.peers += measured
        report.add(before_each)
    report.add(calibrate(bench, "after"))


if __name__ == "__main__":
    sys.exit(main())
