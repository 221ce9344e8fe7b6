"""Checks of ``extensionBundle`` in host.json, with which Azure loads the durable triggers.

The embedded host needs no bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from embedded_host.app.json_file import JsonFile
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.supported_versions import CURRENT_BUNDLE, LOWEST_BUNDLE, V2_BUNDLE

Numbers = tuple[int, int, int]
_RANGE = re.compile(
    r"\s*(?P<open>[\[(])?\s*(?P<low>[\d.*]*)\s*(?:(?P<comma>,)\s*(?P<high>[\d.*]*)\s*)?"
    r"(?P<close>[\])])?\s*"
)
_HIGHEST: Numbers = (10**6, 0, 0)
_FIX = (
    'Write "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": '
    '"[4.*, 5.0.0)"} in host.json.'
)


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


def check_bundle(
    file: JsonFile, document: Mapping[str, object], *, uses_v2_model: bool, has_extensions: bool
) -> Iterator[Finding]:
    """Yield the findings about the bundle.

    ``document`` is host.json with the overrides of settings. ``has_extensions`` is True if the app
    installs its extensions itself, with an extensions.csproj.
    """
    key = next((key for key in document if key.lower() == "extensionbundle"), None)
    section = document[key] if key else None
    line = file.values.get((key,) if key else ())
    place = ("host.json", line[0] if line else None)
    if not isinstance(section, Mapping):
        if not has_extensions:
            yield Finding(
                "warning",
                "host.json has no extensionBundle, so Azure does not load the Durable Functions "
                "extension, and no durable trigger works there.",
                _FIX,
                "EH710",
                *place,
            )
        return
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
        return
    yield Finding("warning", f"{text}.", _FIX, "EH711", *place)


def _numbers(text: str) -> Numbers | None:
    parts = [part for part in text.split(".") if part] if text else ["0"]
    if len(parts) > 4 or not all(part == "*" or part.isdigit() for part in parts):
        return None
    numbers = [0 if part == "*" else int(part) for part in parts] + [0, 0, 0]
    return numbers[0], numbers[1], numbers[2]


def _shown(version: Numbers) -> str:
    return ".".join(map(str, version))
