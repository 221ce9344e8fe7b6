"""Entry of a worker process: ``python embedded_worker/__main__.py HOW TO REACH THE HOST`` (see ``connecting``).

It is run by its path and not with ``-m``, so that the app's folder is not on ``sys.path`` before the host's own imports:
an app may have a folder called ``http`` or ``email``.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # multiprocessing imports this file again, in the processes that a function spawns
    sys.path.pop(0)
    try:
        import embedded_worker  # noqa: F401
    except ImportError:  # a checkout that is not installed
        sys.path.append(str(Path(__file__).resolve().parent.parent))

    from embedded_worker.process import main

    main(sys.argv[1:])
