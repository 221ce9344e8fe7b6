"""The command line.

All versions of Python 3 can import this file. An unsupported version therefore prints a message
instead of a syntax error.
"""

import sys

OLDEST, NEWEST = (3, 10), (3, 15)


def main():  # type: () -> int
    """Run the command line and return its exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(
            "embedded-host requires Python 3.10 to 3.15, but this is Python "
            + version
            + " ("
            + sys.executable
            + ").\n"
            "Create a virtual environment with a supported version, for example: "
            "python3.14 -m venv .venv\n"
        )
        return 2
    from embedded_host.cli.commands import run

    return run()
