"""Finds the kind of a parity finding by its code. Workers send only the code of a kind."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from embedded_host.parity import kinds
from embedded_host.parity.kinds import Kind


def kind_of(code: str) -> Kind:
    """Return the kind with a code. Raises KeyError for an unknown code."""
    return all_kinds()[code]


@cache
def all_kinds() -> dict[str, Kind]:
    """Return the kinds of all modules of ``parity.kinds``, by code."""
    modules = pkgutil.iter_modules(kinds.__path__, f"{kinds.__name__}.")
    return {
        kind.code: kind
        for module in modules
        for kind in vars(importlib.import_module(module.name)).values()
        if isinstance(kind, Kind)
    }
