"""Apply the settings named ``AzureFunctionsJobHost__path__to__key``, which override host.json."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping

_OVERRIDE = re.compile(r"AzureFunctionsJobHost(?:__|:)(.+)", re.IGNORECASE)


def with_overrides(
    document: dict[str, object], environ: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, str]]:
    """Apply the ``AzureFunctionsJobHost__…`` settings.

    Return the changed document, and the names of the settings by the path that they override.
    """
    changed = copy.deepcopy(document)
    sources: dict[str, str] = {}
    for name in sorted(environ):
        found = _OVERRIDE.fullmatch(name)
        if not found:
            continue
        target: dict[str, object] = changed
        keys = re.split(r"__|:", found[1])
        spelt: list[str] = []
        for depth, key in enumerate(keys):
            known = next((known for known in target if known.lower() == key.lower()), key)
            spelt.append(known)
            if depth == len(keys) - 1:
                target[known] = environ[name]
            else:
                inner = target.get(known)
                if isinstance(inner, list):  # the key of an item is its index
                    inner = target[known] = {str(index): item for index, item in enumerate(inner)}
                if not isinstance(inner, dict):
                    inner = target[known] = {}
                target = inner
        sources[".".join(spelt).lower()] = name
    return changed, sources
