"""Versions of instances that the Azure Functions host does not run.

Source: ``VersioningSettings`` and ``TaskOrchestrationDispatcher`` of DurableTask.Core. The Azure
Functions host checks the version before each turn, also for sub-orchestrations.
"""

from __future__ import annotations

import re

from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds import sdk2

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){1,3}")
"""A version with two to four numbers (``System.Version``)."""


def add_version_finding(findings: Findings, orchestrator: str, version: str | None) -> None:
    """Add a finding if the Azure Functions host does not run an instance of this version."""
    host = findings.host
    if (
        version
        and host.version_match_strategy.lower() != "none"
        and is_newer(version, host.default_version)
    ):
        findings.add(sdk2.NEWER_VERSION, orchestrator)


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
