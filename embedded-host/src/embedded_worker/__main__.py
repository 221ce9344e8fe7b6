"""Entry point of a worker process: ``python embedded_worker/__main__.py ARGUMENTS``, see ``transport.connect``.

It is started by its path and not with ``-m``, so that the app's directory is not on ``sys.path`` before the worker's own imports:
an app may have a directory called ``http`` or ``email``.
"""

import sys
from pathlib import Path

if (
    __name__ == "__main__"
):  # multiprocessing imports this file in the processes that a function spawns
    sys.path.pop(0)
    try:
        import embedded_worker  # noqa: F401
    except ImportError:  # a checkout that is not installed
        sys.path.append(str(Path(__file__).resolve().parent.parent))

    from embedded_worker.process import main

    main(sys.argv[1:])
