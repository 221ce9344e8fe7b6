"""Run the command line with ``python -m embedded_host``."""

import os
import sys


def remove_working_directory() -> None:
    """Remove the working directory from the start of ``sys.path``, where ``python -m`` puts it.

    The working directory can be an app folder with modules such as ``secrets`` or ``json``. The
    directory of this package remains, so that a checkout runs without installation.
    """
    if getattr(sys.flags, "safe_path", False) or not sys.path:  # set by PYTHONSAFEPATH
        return
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    first = os.path.abspath(sys.path[0])  # noqa: PTH100
    if first == os.getcwd() and first != source:  # noqa: PTH109
        del sys.path[0]


if __name__ == "__main__":
    # Only modules that Python imports at its start precede this line.
    remove_working_directory()

    from embedded_host.cli import main

    sys.exit(main())
