"""Run the command line with ``python -m embedded_host``."""

import sys

if __name__ == "__main__":
    from embedded_host.cli import main

    sys.exit(main())
