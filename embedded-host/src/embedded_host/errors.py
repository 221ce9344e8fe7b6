"""The base class of the exceptions.

This module imports no other module of the package, so every other module can import it.
"""

from __future__ import annotations


class EmbeddedHostError(Exception):
    """Base class of every exception that the host and the test kit define."""
