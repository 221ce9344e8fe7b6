"""Run the fuzz targets with many inputs: ``python -m tests.fuzz --inputs 100000``.

With ``--atheris NAME``, atheris generates the inputs of one target from the code coverage, until
the user interrupts it. atheris is not a dependency of this project: run ``pip install atheris``
first.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import traceback


def main() -> int:
    """Run the command, and return its exit code: 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="number for all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--target", metavar="NAME", action="append", help="run only this target; can be repeated"
    )
    parser.add_argument(
        "--atheris", metavar="NAME", help="run a target with atheris until Ctrl+C or a finding"
    )
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    if arguments.atheris:
        return _run_atheris(arguments.atheris)
    from tests.fuzz.running import run
    from tests.fuzz.targets import TARGETS

    names = arguments.target or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"unknown target: {', '.join(unknown)}. Targets: {', '.join(TARGETS)}")
    inputs = kinds = 0

    def report(description: str, data: bytes) -> None:
        print(f"FINDING in {name}: {description}\n  input: {data[:2000]!r}", flush=True)
        traceback.print_exc(limit=-4)

    for name in names:
        findings = run(TARGETS[name], arguments.inputs // len(names), arguments.seed, report)
        inputs, kinds = inputs + findings.inputs, kinds + len(findings.by_kind)
        print(
            f"{name:20} {findings.inputs:8d} inputs in {findings.seconds:7.1f} s, "
            f"slowest {findings.slowest * 1000:7.1f} ms, "
            f"kinds of findings: {len(findings.by_kind)}",
            flush=True,
        )
    print(f"{inputs} inputs, kinds of findings: {kinds}")
    return 1 if kinds else 0


def _run_atheris(name: str) -> int:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["embedded_host"]):
        from tests.fuzz.targets import TARGETS

    atheris.Setup([sys.argv[0]], TARGETS[name].call)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
