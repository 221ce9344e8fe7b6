"""Load on a host of its own, by hand: ``python -m tests.load soak --minutes 30``."""

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
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    long = kinds.add_parser("soak", help="all kinds of load for a time; memory must stay flat")
    long.add_argument("--minutes", type=float, default=30)
    long.add_argument("--clients", type=int, default=8)
    long.add_argument(
        "--pause", type=float, default=0.0, help="seconds between two orchestrations of a client"
    )
    long.add_argument("--every", type=float, default=60.0, help="seconds between two lines")
    long.add_argument("--seed", type=int, default=1)
    for name, count in (("instances", 10_000), ("streams", 1000), ("bad-clients", 20)):
        kinds.add_parser(name).add_argument("--count", type=int, default=count)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.kind == "soak":
            return soak(
                Path(folder),
                asked.minutes * 60,
                seed=asked.seed,
                clients=asked.clients,
                pause=asked.pause,
                every=asked.every,
            )
        app = load_app(Path(folder) / "app")
        with RunningHost(app.root, Path(folder) / "state", "--no-reload") as host:
            if asked.kind == "instances":
                asyncio.run(many.instances(host, asked.count))
            elif asked.kind == "streams":
                asyncio.run(many.streams(host, asked.count))
            else:
                asyncio.run(many.bad_clients(host, asked.count, 40))
    return 0


sys.exit(main())
