"""Entry point of a worker process: ``python embedded_worker/__main__.py ARGUMENTS``.

``transport.connect`` describes the arguments.

The host starts it by its path and not with ``-m``. Otherwise the app's folder would be on
``sys.path`` during the worker's own imports, and an app may have a folder named ``http`` or
``email``.
"""

import sys
from pathlib import Path

# multiprocessing imports this file in the processes that a function spawns.
if __name__ == "__main__":
    sys.path.pop(0)
    try:
        import embedded_worker  # noqa: F401
    except ImportError:  # embedded_worker is not installed in this environment
        sys.path.append(str(Path(__file__).resolve().parent.parent))

    from embedded_worker.process import main

    main(sys.argv[1:])
