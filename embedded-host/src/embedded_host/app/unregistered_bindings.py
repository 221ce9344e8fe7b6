"""The functions that do not exist on Azure, because host.json has no extension bundle.

The Azure Functions host has the extensions of HTTP, timer, warmup and manual triggers. It loads all
other extensions from the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from embedded_host.app.binding_types import CLIENTS, DURABLE_TRIGGERS, TYPES
from embedded_host.app.definitions import App, Function
from embedded_host.app.extension_bundle import bundle_fault, has_own_extensions

_BUILT_IN = ("httptrigger", "http", "timertrigger", "warmuptrigger", "manualtrigger")
"""The types whose extension is part of the Azure Functions host, in lower case."""
_OF_BUNDLE = frozenset(map(str.lower, TYPES)).difference(_BUILT_IN, DURABLE_TRIGGERS, CLIENTS)
"""The types whose extension is in the bundle, in lower case, except the durable types."""


def unregistered_types(app: App, functions: Iterable[Function]) -> Iterator[tuple[Function, str]]:
    """Yield each function with a binding that is not registered on Azure, and its binding types.

    Durable bindings are not included: ``bundle_fault`` reports them. This host needs no bundle, and
    runs all functions in both modes of ``--parity``.
    """
    needing = [
        (function, ", ".join(kinds))
        for function in functions
        if (
            kinds := dict.fromkeys(
                b.type for b in function.bindings if b.type.lower() in _OF_BUNDLE
            )
        )
    ]
    if needing and not _loads_extensions(app):
        yield from needing


def _loads_extensions(app: App) -> bool:
    fault = bundle_fault(app.host.document, uses_v2_model=app.uses_v2_model)
    return fault is None or not fault.is_missing or has_own_extensions(app.root)
