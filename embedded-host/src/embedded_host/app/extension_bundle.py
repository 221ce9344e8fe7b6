"""The extension bundle of host.json, with which Azure loads the durable triggers.

The embedded host needs no bundle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LOWEST_BUNDLE = (2, 8, 2)
"""The lowest extension bundle with which the Azure Functions host 4.x starts.

Source: src/WebJobs.Script/extensionrequirements.json of azure-functions-host. It requires version
2.5.0 of the Durable Task extension too, which every such bundle has.
"""
V2_BUNDLE = (4, 0, 0)
"""The lowest extension bundle for the durable decorators of the v2 model.

Source: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings.
"""
CURRENT_BUNDLE = (4, 0, 0)
"""The lowest extension bundle that is not deprecated.

Source: https://learn.microsoft.com/azure/azure-functions/extension-bundles.
"""

Numbers = tuple[int, int, int]
_RANGE = re.compile(
    r"\s*(?P<open>[\[(])?\s*(?P<low>[\d.*]*)\s*(?:(?P<comma>,)\s*(?P<high>[\d.*]*)\s*)?"
    r"(?P<close>[\])])?\s*"
)
_HIGHEST: Numbers = (10**6, 0, 0)


class BundleRange(NamedTuple):
    """A range of bundle versions, such as ``[4.*, 5.0.0)``."""

    low: Numbers
    high: Numbers
    includes_high: bool

    def reaches(self, version: Numbers) -> bool:
        """Return True if the range has ``version`` or a higher one."""
        return version < self.high or (self.includes_high and version == self.high)


def parse_range(text: str) -> BundleRange | None:
    """Parse a version range in the notation of NuGet. Return None if it is not valid."""
    match = _RANGE.fullmatch(text)
    if match is None or not (match["low"] or match["high"]):
        return None
    if bool(match["open"]) != bool(match["close"]):
        return None
    low = _numbers(match["low"])
    if low is None:
        return None
    if not match["open"]:
        return BundleRange(low, _HIGHEST, False)
    if not match["comma"]:
        return BundleRange(low, low, True) if match["low"] else None
    if not match["high"]:
        return BundleRange(low, _HIGHEST, False)
    high = _numbers(match["high"])
    return None if high is None else BundleRange(low, high, match["close"] == "]")


class BundleFault(NamedTuple):
    """A missing or old extension bundle."""

    text: str
    """A sentence that describes the fault."""
    is_missing: bool


def has_own_extensions(root: Path) -> bool:
    """Return True if the app installs its extensions itself, so that it needs no bundle."""
    return any((root / name).is_file() for name in ("extensions.csproj", "bin/extensions.json"))


def bundle_fault(document: Mapping[str, object], *, uses_v2_model: bool) -> BundleFault | None:
    """Return the fault of the bundle, or None for a current bundle.

    ``document`` is host.json with the overrides of settings.
    """
    key = next((key for key in document if key.lower() == "extensionbundle"), None)
    section = document[key] if key else None
    if not isinstance(section, Mapping):
        return BundleFault(
            "host.json has no extensionBundle, so Azure does not load the Durable Functions "
            "extension, and no durable trigger works there.",
            is_missing=True,
        )
    version = next((v for k, v in section.items() if str(k).lower() == "version"), None)
    bundle = parse_range(version) if isinstance(version, str) else None
    if bundle is None:
        text = f"The version of extensionBundle, {version!r}, is not a version range"
    elif not bundle.reaches(LOWEST_BUNDLE):
        text = (
            f"The extension bundle {version} is too old for Azure Functions 4.x, which starts with "
            f"{_shown(LOWEST_BUNDLE)} or newer"
        )
    elif uses_v2_model and not bundle.reaches(V2_BUNDLE):
        text = (
            f"The extension bundle {version} is too old for the durable decorators of the v2 "
            f"model, which need {_shown(V2_BUNDLE)} or newer"
        )
    elif not bundle.reaches(CURRENT_BUNDLE):
        text = f"The extension bundle {version} is deprecated"
    else:
        return None
    return BundleFault(f"{text}.", is_missing=False)


def _numbers(text: str) -> Numbers | None:
    parts = [part for part in text.split(".") if part] if text else ["0"]
    if len(parts) > 4 or not all(part == "*" or part.isdigit() for part in parts):
        return None
    numbers = [0 if part == "*" else int(part) for part in parts] + [0, 0, 0]
    return numbers[0], numbers[1], numbers[2]


def _shown(version: Numbers) -> str:
    return ".".join(map(str, version))
