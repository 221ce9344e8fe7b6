"""Checks of ``extensionBundle`` in host.json, with which Azure loads the durable triggers.

The embedded host needs no bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from embedded_host.app.extension_bundle import bundle_fault
from embedded_host.app.json_file import JsonFile
from embedded_host.doctor.finding import Finding

_FIX = (
    'Write "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": '
    '"[4.*, 5.0.0)"} in host.json.'
)


def check_bundle(
    file: JsonFile, document: Mapping[str, object], *, uses_v2_model: bool, has_extensions: bool
) -> Iterator[Finding]:
    """Yield the findings about the bundle.

    ``document`` is host.json with the overrides of settings. ``has_extensions`` is True if the app
    installs its extensions itself, with an extensions.csproj.
    """
    fault = bundle_fault(document, uses_v2_model=uses_v2_model)
    if fault is None or (fault.is_missing and has_extensions):
        return
    key = next((key for key in document if key.lower() == "extensionbundle"), None)
    line = file.values.get((key,) if key else ())
    yield Finding(
        "warning",
        fault.text,
        _FIX,
        "EH710" if fault.is_missing else "EH711",
        "host.json",
        line[0] if line else None,
    )
