"""The converters that azure-functions registers for binding types."""

from __future__ import annotations

from typing import Any

from azure.functions import meta


def converter_for(kind: str) -> Any:
    """Return the converter class for a binding's type, compared without regard to case; None if there is none."""
    registry: Any = meta.get_binding_registry  # type: ignore[no-untyped-call, unused-ignore]
    bindings = registry()._bindings
    return bindings.get(kind) or next(
        (c for name, c in bindings.items() if str(name).lower() == kind.lower()), None
    )
