"""The root of the host's exceptions. It depends on no other module, so that every package can use it."""

from __future__ import annotations


class EmbeddedHostError(Exception):
    """Base class of every exception that the host and the test kit define."""
