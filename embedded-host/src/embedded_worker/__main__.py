"""Entry point of a worker process: ``python embedded_worker/__main__.py ARGUMENTS``.

``transport.connect`` describes the arguments.

The host starts it by its path and not with ``-m``. Otherwise the app's folder would be on
``sys.path`` during the worker's own imports, and an app may have a folder named ``http`` or
``email``.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

# multiprocessing imports this file in the processes that a function spawns.
if __name__ == "__main__":
    sys.path.pop(0)
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
