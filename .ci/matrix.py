#!/usr/bin/env python3
"""Test the embedded host with apps in other interpreters, with old and new versions of the SDK.

The interpreter of this script runs the host and the tests. Each pair below gets an environment of
its own, made with the interpreter of that version that this machine has. Pairs without an
interpreter are named. Arguments after the options are those of pytest; the default is a selection
of a few minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parents[1] / "embedded-host"
PAIRS = (  # Python, azure-functions, azure-functions-durable
    ("3.9", "1.12.0", "1.1.6"),
    ("3.10", "1.17.0", "1.2.8"),
    ("3.11", "1.26.0", "1.7.0"),
    ("3.13", "2.3.0", "1.7.0"),
    ("3.14", "2.3.0", "1.7.0"),
    ("3.15", "2.4.0b1", "1.7.0"),
    ("3.13", "2.4.0b1", "2.0.0rc3"),
)
DEFAULT = {  # the tests by the major version of azure-functions-durable
    "1": ("tests/workers", "tests/e2e/test_features.py", "tests/e2e/test_v2.py", "-m", "process"),
    "2": (
        "tests/e2e/test_sdk2_features.py",
        "tests/e2e/test_sdk2_parity.py",
        "tests/conformance/test_conformance_2x.py",
        "tests/conformance/test_wire_2x.py",
        "tests/crash/test_kills.py",
        "tests/benchmarks/test_run.py",
        "tests/cli/test_init.py",
        "-m",
        "process",
    ),
}


def main() -> int:
    """Run the command. Return 1 if a test fails or too few pairs could be tested."""
    parser = argparse.ArgumentParser(prog=".ci/matrix.py", description=__doc__)
    parser.add_argument(
        "--only", metavar="PYTHON", help="test only the pairs of this Python, such as 3.9"
    )
    parser.add_argument("--sdk", choices=("1", "2"), help="test only the pairs of this SDK")
    parser.add_argument(
        "--require", type=int, default=1, metavar="N", help="fail if fewer pairs can be tested"
    )
    parser.add_argument(
        "--interpreter", action="append", default=[], metavar="PATH", help="use this one too"
    )
    options, arguments = parser.parse_known_args()
    results = []
    for python, functions, durable in PAIRS:
        if options.only in (None, python) and options.sdk in (None, durable[0]):
            pair = f"Python {python}, azure-functions {functions}, durable {durable}"
            packages = [f"azure-functions=={functions}", f"azure-functions-durable=={durable}"]
            if durable[0] == "2":  # the tests of the test kit run there
                packages += [str(PROJECT), "pytest", "pytest-asyncio"]
            print(f"== {pair}", flush=True)
            result = tested(python, packages, options.interpreter, arguments or DEFAULT[durable[0]])
            results.append((pair, result))
    print()
    for pair, result in results:
        print(f"{pair}: {result}")
    count = sum(result in ("passed", "failed") for _, result in results)
    if count < options.require:
        print(f"{count} pairs could be tested, but --require is {options.require}")
    failed = any(result == "failed" for _, result in results)
    return 1 if failed or count < options.require else 0


def tested(
    python: str, packages: Sequence[str], others: Sequence[str], arguments: Sequence[str]
) -> str:
    """Test one pair. Return "passed", "failed", or the reason why it was not tested.

    A pair whose tests were all skipped has failed.
    """
    interpreter = find(python, others)
    if interpreter is None:
        return f"not tested: this machine has no Python {python}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        app = Path(folder, "Scripts/python.exe" if os.name == "nt" else "bin/python")
        pip = [str(app), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        for command in ([interpreter, "-m", "venv", folder], [*pip, *packages]):
            if subprocess.run(command, check=False).returncode:
                return f"not tested: `{' '.join(command)}` failed"
        report = Path(folder, "report.xml")
        tests = [sys.executable, "-m", "pytest", "-q", "-rs", "--app-python", str(app)]
        command = [*tests, f"--junitxml={report}", *arguments]
        run = subprocess.run(command, cwd=PROJECT, check=False)
        return "failed" if run.returncode or not has_run(report) else "passed"


def has_run(report: Path) -> bool:
    """Return True if the report of pytest has a test that was not skipped."""
    cases = ElementTree.parse(report).iter("testcase")
    return any(case.find("skipped") is None for case in cases)


def find(python: str, others: Sequence[str]) -> str | None:
    """Return an interpreter with the version ``python``, as 3.9, or None."""
    return next((path for path in candidates(python, others) if version(path) == python), None)


def candidates(python: str, others: Sequence[str]) -> Iterator[str]:
    """Yield interpreters that may have the version ``python``: given, in PATH, of pyenv, of py."""
    yield from others
    if launcher := shutil.which("py"):
        shown = subprocess.run(
            [launcher, f"-{python}", "-c", "import sys; print(sys.executable)"],
            capture_output=True,
            text=True,
            check=False,
        )
        yield from shown.stdout.split("\n")[:1]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(root.glob(f"versions/{python}.*/bin/python"), reverse=True))
    yield from filter(None, [shutil.which(f"python{python}"), f"/usr/bin/python{python}"])


def version(path: str) -> str | None:
    """Return the version of an interpreter, as 3.9, or None if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        shown = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return shown.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main())
