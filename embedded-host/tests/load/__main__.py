"""Run a load test against a separate host: ``python -m tests.load soak --minutes 30``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.load import many
from tests.load.load_app import load_app
from tests.load.soak import soak
from tests.support.running_host import RunningHost


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    soak_parser = kinds.add_parser(
        "soak", help="run all kinds of load; fail if the memory grows or a response is wrong"
    )
    soak_parser.add_argument("--minutes", type=float, default=30)
    soak_parser.add_argument("--clients", type=int, default=8)
    soak_parser.add_argument(
        "--pause", type=float, default=0.0, help="seconds between two orchestrations of a client"
    )
    soak_parser.add_argument(
        "--every", type=float, default=60.0, help="seconds between two output lines"
    )
    soak_parser.add_argument("--seed", type=int, default=1)
    for name, count in (("instances", 10_000), ("streams", 1000), ("bad-clients", 20)):
        kinds.add_parser(name).add_argument("--count", type=int, default=count)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.kind == "soak":
            return soak(
                Path(folder),
                arguments.minutes * 60,
                seed=arguments.seed,
                clients=arguments.clients,
                pause=arguments.pause,
                every=arguments.every,
            )
        app = load_app(Path(folder) / "app")
        with RunningHost(app.root, Path(folder) / "state", "--no-reload") as host:
            if arguments.kind == "instances":
                asyncio.run(many.instances(host, arguments.count))
            elif arguments.kind == "streams":
                asyncio.run(many.streams(host, arguments.count))
            else:
                asyncio.run(many.bad_clients(host, arguments.count, 40))
    return 0


sys.exit(main())
