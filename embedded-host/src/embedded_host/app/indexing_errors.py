"""The rules of the Azure Functions host for the functions of an app, and the words of its errors.

Source: ``FunctionDescriptorProvider``, ``HostFunctionMetadataProvider`` and ``Utility`` of that
host (functions-host.md#function-indexing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from embedded_host.app.binding_types import TYPES
from embedded_host.app.definitions import Function

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE | re.ASCII)
_BINDING_NAME = re.compile(r"(?!.*__)[a-zA-Z_][a-zA-Z0-9_]{0,127}|\$return", re.ASCII)
"""Binding names that the Azure Functions host accepts since 4.1038, which allows underscores.

Source: azure-functions-host, pull request 10764.
"""
_KNOWN_TYPES = frozenset(name.lower() for name in TYPES)

NO_BINDING = "At least one binding must be declared."
RETURN_DIRECTION = "$return bindings must specify a direction of 'out'."
INVALID_BINDING_NAME = "The binding name {} is invalid. Please assign a valid name to the binding."
UNTYPED = "Binding '{}' is invalid. Bindings must specify a Type."


def is_valid_name(name: str) -> bool:
    """Return True for a valid name of a function."""
    return _FUNCTION_NAME.fullmatch(name) is not None and name.lower() != "host"


def is_valid_binding_name(name: str) -> bool:
    """Return True for a valid name of a binding."""
    return _BINDING_NAME.fullmatch(name) is not None


def invalid_name(name: str) -> str:
    """Return the error for the name of a function."""
    return f"'{name}' is not a valid function name."


def unregistered(kind: str, *, has_bundle: bool) -> str:
    """Return the error for a binding type. ``has_bundle``: host.json has an extension bundle."""
    if has_bundle:
        return (
            f"The binding type(s) '{kind}' were not found in the configured extension bundle. "
            "Please ensure the type is correct and the correct version of extension bundle is "
            "configured."
        )
    return (
        f"The binding type(s) '{kind}' are not registered. Please ensure the type is correct and "
        "the binding extension is installed."
    )


def indexing_error(function: Function, *, has_bundle: bool, strict: bool = False) -> str:
    """Return the error of a v2 function that its decorators cause, or an empty string.

    The worker has checked the other rules. SDK 2.x derives binding names that this host accepts
    (``parity/kinds/sdk2.py``). Strict mode refuses them, as version 4.1037 of that host does.
    """
    if not is_valid_name(function.name):
        return (
            f"{invalid_name(function.name)} A name begins with a letter and has at most 128 "
            "letters, digits, '_' and '-'. Rename the function, or use @app.function_name()."
        )
    names: set[str] = set()
    for binding in function.bindings:
        is_valid = (
            not (strict and binding.name.startswith("_"))
            if binding.requires_grpc
            else is_valid_binding_name(binding.name)
        )
        if not is_valid:
            return INVALID_BINDING_NAME.format(binding.name)
        if binding.name.lower() in names:
            return (
                f"Multiple bindings with name '{binding.name}' discovered. Binding names must be "
                "unique."
            )
        names.add(binding.name.lower())
    unknown = [] if has_bundle else list(_unknown(binding.type for binding in function.bindings))
    return unregistered(", ".join(unknown), has_bundle=has_bundle) if unknown else ""


def _unknown(types: Iterable[str]) -> Iterable[str]:
    return (kind for kind in dict.fromkeys(types) if kind.lower() not in _KNOWN_TYPES)
