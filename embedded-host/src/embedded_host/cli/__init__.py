"""The command line. This file is plain enough for any Python 3 to read: it says which versions the host runs on."""

import sys

OLDEST, NEWEST = (3, 10), (3, 13)


def main():  # type: () -> int
    """Entry point of ``embedded-host`` and ``python -m embedded_host``; returns the exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(
            "embedded-host runs on Python 3.10 to 3.13, but this is Python "
            + found
            + " ("
            + sys.executable
            + ").\n"
            "Make a virtual environment with one of those, for instance: python3.11 -m venv .venv\n"
        )
        return 2
    from embedded_host.cli.commands import run

    return run()
