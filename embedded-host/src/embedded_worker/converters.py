"""The converters that azure-functions registers for binding types.

As in the Azure Functions host's Python worker, the names of types are compared with regard to case,
and all other types have the converter of generic bindings.
"""

from __future__ import annotations

import base64
import json
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


class GenericConverter:
    """The converter of a binding whose type is not registered.

    Its functions receive the text of the datum.
    """

    def decode(self, data: meta.Datum, *, trigger_metadata: Mapping[str, object]) -> object:
        """Return the value of the datum. Raises ValueError for an HTTP request."""
        if data.type not in ("string", "bytes", "json"):
            raise ValueError(
                f'unexpected type of data received for the "generic" binding : {data.type!r}'
            )
        return data.value

    def encode(self, value: object, *, expected_type: type | None) -> meta.Datum:
        """Return the JSON of a value, as the Azure Functions host does with the worker's datum."""
        if isinstance(value, (bytes, bytearray)):
            value = base64.b64encode(value).decode()
        elif isinstance(value, bool):
            value = int(value)
        elif not (value is None or isinstance(value, (str, dict, list, int, float))):
            raise NotImplementedError(_not_generic(value))
        return meta.Datum(json.dumps(value), "json")

    def check_input_type_annotation(self, annotation: type) -> bool:
        """Return True for str and bytes."""
        return issubclass(annotation, (str, bytes))

    def check_output_type_annotation(self, annotation: type) -> bool:
        """Return True for str, bytes and bytearray."""
        return issubclass(annotation, (str, bytes, bytearray))

    def has_implicit_output(self) -> bool:
        """Return True."""
        return True


GENERIC = GenericConverter()


def _not_generic(value: object) -> str:
    return f'a "generic" binding cannot send a value of type {type(value).__name__}'


def find_converter(kind: str) -> Converter | None:
    """Return the converter that is registered for a binding type, or None."""
    return _registered().get(kind)


def converter_for(kind: str) -> Converter:
    """Return the converter for a binding's type."""
    return find_converter(kind) or GENERIC


def registered_spelling(kind: str) -> str | None:
    """Return the name of a registered type that differs from ``kind`` only in case, or None."""
    names = _registered()
    if kind in names:
        return None
    return next((name for name in map(str, names) if name.lower() == kind.lower()), None)


def check_http_output(kind: str, value: object) -> None:
    """Raise NotImplementedError if a binding of an HTTP function cannot send a response."""
    spelling = registered_spelling(kind)
    if spelling is not None and not isinstance(value, (str, bytes, type(None))):
        raise NotImplementedError(
            f'{_not_generic(value)}. Write "{spelling}" instead of "{kind}" as the type of the '
            "binding"
        )


def _registered() -> dict[str, Converter]:
    registry = meta.get_binding_registry()  # type: ignore[no-untyped-call, unused-ignore]
    converters: dict[str, Converter] = registry._bindings
    return converters
