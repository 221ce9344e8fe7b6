"""The import of SDK 1.x, which fails on the Azure Functions host if host.json is not JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from embedded_worker.loading import DURABLE_BINDINGS, LoadedFunction, LoadError
from embedded_worker.sdk import USES_DURABLETASK

UNREADABLE_HOST_JSON = "EH841"
"""The kind of the parity finding for a host.json that the SDK cannot read."""


def without_sdk(
    root: Path, functions: Mapping[str, LoadedFunction | LoadError]
) -> dict[str, LoadError]:
    """Return the functions that cannot import SDK 1.x on the Azure Functions host, with the error.

    The host itself accepts comments, but the SDK reads host.json with the JSON parser of Python.
    """
    durable = [name for name, function in functions.items() if _is_durable(function)]
    error = _import_error(root) if durable and not USES_DURABLETASK else None
    return {} if error is None else dict.fromkeys(durable, LoadError(error))


def _import_error(root: Path) -> str | None:
    try:
        json.loads((root / "host.json").read_text(encoding="utf-8"))
    except OSError:
        return None
    except ValueError as error:
        return (
            f"{type(error).__name__}: {error}. azure-functions-durable 1.x cannot be imported, "
            f"because host.json is not JSON. Correct the file. [{UNREADABLE_HOST_JSON}]"
        )
    return None


def _is_durable(function: LoadedFunction | LoadError) -> bool:
    return isinstance(function, LoadedFunction) and any(
        binding.type.lower() in DURABLE_BINDINGS for binding in function.spec.bindings
    )
