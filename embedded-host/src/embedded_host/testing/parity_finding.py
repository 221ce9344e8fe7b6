"""The parity findings of the app under test."""

from __future__ import annotations

from dataclasses import dataclass

from embedded_host.parity.findings import Finding


@dataclass(frozen=True)
class ParityFinding:
    """A part of the app that works here, but not on the Azure Functions host."""

    code: str
    """The code in the list of error codes, for example ``EH805``."""
    function: str
    file: str
    """The path of the code relative to the app folder, or an empty string."""
    line: int
    """The line of the code, or 0 if it is unknown."""
    text: str
    """The behavior of the Azure Functions host, the function and the alternative."""
    count: int
    """The number of occurrences."""
    instances: tuple[str, ...]
    """The ids of the first instances with this finding."""


def parity_finding(finding: Finding) -> ParityFinding:
    """Return the test kit's object for a finding."""
    return ParityFinding(
        finding.kind.code,
        finding.function,
        finding.file,
        finding.line,
        str(finding),
        finding.count,
        tuple(finding.instances),
    )
