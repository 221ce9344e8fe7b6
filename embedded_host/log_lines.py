"""Lines of the log, the host's and the workers': UTC, as ``func start`` prints them."""

from __future__ import annotations

import logging
import sys
import time


def console_handler(pattern: str) -> logging.Handler:
    """To stderr; ``pattern`` is what follows the time."""
    formatter = logging.Formatter(f"[%(asctime)s.%(msecs)03dZ] {pattern}", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    return handler
