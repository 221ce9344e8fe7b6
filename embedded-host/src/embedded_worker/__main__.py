"""Entry point of a worker process: ``python embedded_worker/__main__.py VERSION ARGUMENTS``.

``VERSION`` is the protocol version of the host. ``transport.connect`` describes the other
arguments.

The host starts it by its path and not with ``-m``. Otherwise the app's folder would be on
``sys.path`` during the worker's own imports, and an app may have a folder named ``http`` or
``email``.

Every Python can parse this file, so that an old one exits with a code that the host understands.
"""

import sys

OLDEST_PYTHON = (3, 9)
EXIT_OLD_PYTHON = 71
"""The exit code of a worker whose Python is older than ``OLDEST_PYTHON``."""

# multiprocessing imports this file in the processes that a function spawns.
if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(EXIT_OLD_PYTHON)  # the host reports the fix

    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    if not getattr(sys.flags, "safe_path", False):  # set by PYTHONSAFEPATH
        sys.path.pop(0)  # the folder of this file
    # Import the package by its path. Its parent folder is not added to sys.path: it contains the
    # packages of the host's environment, which are not for the app.
    folder = Path(__file__).resolve().parent
    spec = spec_from_file_location(
        "embedded_worker", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules["embedded_worker"] = module_from_spec(spec)
    spec.loader.exec_module(package)

    from embedded_worker.process import main

    main(sys.argv[1:])
