"""Versions of instances that the Azure Functions host does not run.

Source: ``VersioningSettings`` and ``TaskOrchestrationDispatcher`` of DurableTask.Core. The Azure
Functions host checks the version before each turn, also for sub-orchestrations.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){1,3}")
"""A version with two to four numbers (``System.Version``)."""


class VersionRule(NamedTuple):
    """The settings in host.json that select the versions of the Azure Functions host."""

    default_version: str | None = None
    match_strategy: str = "None"
    """``None``, ``Strict`` or ``CurrentOrOlder``."""

    @property
    def is_strict(self) -> bool:
        """True if the versions must be equal."""
        return self.match_strategy.lower() == "strict"

    def refuses(self, version: str | None) -> bool:
        """Return True if the Azure Functions host does not run an instance of this version."""
        if self.match_strategy.lower() == "none":
            return False
        if self.is_strict:
            return (version or None) != (self.default_version or None)
        return is_newer(version, self.default_version)


def is_newer(version: str | None, other: str | None) -> bool:
    """Return True if ``version`` is newer than ``other``.

    A version is newer than a missing version.
    """
    version, other = (version or "").strip(), (other or "").strip()
    if not version or not other:
        return bool(version)
    if _VERSION.fullmatch(version) and _VERSION.fullmatch(other):
        return _numbers(version) > _numbers(other)
    return version.upper() > other.upper()


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version. A version with fewer numbers is older."""
    return tuple(int(number) for number in version.split("."))
