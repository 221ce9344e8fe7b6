"""Fuzzing by hand, for as long as it takes: ``python -m tests.fuzz --inputs 100000``.

With ``--atheris NAME`` (``pip install atheris`` first; it is no pin of this project) the inputs of one target are found by the
coverage that they bring, without end."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import traceback
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--target", metavar="NAME", action="append", help="only this; may be repeated"
    )
    parser.add_argument(
        "--atheris", metavar="NAME", help="with atheris, until Ctrl+C or the first finding"
    )
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    if asked.atheris:
        return _atheris(asked.atheris)
    from tests.fuzz.running import run
    from tests.fuzz.targets import TARGETS

    names = asked.target or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    total = found = 0

    def said(text: str, data: bytes) -> None:
        print(f"FOUND in {name}: {text}\n  input: {data[:2000]!r}", flush=True)
        traceback.print_exc(limit=-4)

    for name in names:
        findings = run(TARGETS[name], asked.inputs // len(names), asked.seed, said)
        total, found = total + findings.inputs, found + len(findings.found)
        print(
            f"{name:20} {findings.inputs:8d} inputs in {findings.seconds:7.1f} s, the slowest {findings.slowest * 1000:7.1f} ms, "
            f"{len(findings.found)} kinds of findings",
            flush=True,
        )
    print(f"{total} inputs, {found} kinds of findings")
    return 1 if found else 0


def _atheris(name: str) -> int:
    atheris: Any = importlib.import_module(
        "atheris"
    )  # not a dependency: it is installed for long runs only

    with atheris.instrument_imports(include=["embedded_host"]):
        from tests.fuzz.targets import TARGETS

    atheris.Setup([sys.argv[0]], TARGETS[name].call)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
