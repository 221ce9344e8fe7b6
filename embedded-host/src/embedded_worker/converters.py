"""The converters that azure-functions registers for binding types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from azure.functions import meta


class Converter(Protocol):
    """A class of azure-functions that converts between a binding's datum and a Python value."""

    def decode(self, data: meta.Datum, *, trigger_metadata: Mapping[str, object]) -> object:
        """Return the value of an input."""

    def encode(self, value: object, *, expected_type: type | None) -> meta.Datum:
        """Return the datum of an output. Raises NotImplementedError, TypeError or ValueError."""

    def check_input_type_annotation(self, annotation: type) -> bool:
        """Return True if a parameter with this annotation accepts the binding's values."""

    def check_output_type_annotation(self, annotation: type) -> bool:
        """Return True if an output with this annotation accepts the binding's values."""

    def has_implicit_output(self) -> bool:
        """Return True if a function may return a value although it has no ``$return`` binding."""


def find_converter(kind: str) -> Converter | None:
    """Return the converter for a binding type, ignoring case, or None if there is none."""
    registry = meta.get_binding_registry()  # type: ignore[no-untyped-call, unused-ignore]
    converters: dict[str, Converter] = registry._bindings
    return converters.get(kind) or next(
        (c for name, c in converters.items() if str(name).lower() == kind.lower()), None
    )


def converter_for(kind: str) -> Converter:
    """Return the converter for a binding's type. Raises LookupError if there is none."""
    converter = find_converter(kind)
    if converter is None:
        raise LookupError(f"azure-functions has no converter for a binding of type '{kind}'")
    return converter
