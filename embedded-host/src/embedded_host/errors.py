"""The base class of the exceptions. The module imports no other, so every package can use it."""

from __future__ import annotations


class EmbeddedHostError(Exception):
    """Base class of every exception that the host and the test kit define."""
