"""The kinds of parity findings. Each module has the kinds of one area.

``errors.md`` has an entry for the code of each kind. docs/reference/known-differences.md has a row.
"""

from __future__ import annotations

from msgspec import Struct


class Kind(Struct, frozen=True):
    """A part of an app that works here, but not on the Azure Functions host."""

    code: str
    """The stable code in ``errors.md``, which identifies the kind."""
    on_azure: str
    """A clause that states the behavior of the Azure Functions host.

    ``{function}`` is replaced by the name and the position of the function.
    """
    instead: str
    """A sentence with the code or the setting that works on both hosts."""
    of_several: str = ""
    """``on_azure`` for several functions, with ``{functions}``, or an empty string."""
