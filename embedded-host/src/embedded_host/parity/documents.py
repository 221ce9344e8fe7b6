"""The parity findings as a JSON document, for the host's endpoints and the command ``parity``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from embedded_host.parity.findings import Finding, Findings


class FindingDocument(Struct, rename="camel"):
    """One finding."""

    code: str
    function: str
    file: str
    """The path of the code relative to the app folder, or an empty string."""
    line: int
    """The line of the code, or 0 if it is unknown."""
    on_azure: str
    """A clause that states the behavior of the Azure Functions host."""
    detail: str
    """A sentence about the first occurrence, or an empty string."""
    instead: str
    """A sentence with the code or the setting that works on both hosts."""
    count: int
    """The number of occurrences since the app's code was loaded."""
    instances: list[str]
    """The ids of the first instances with this finding."""
    text: str
    """The line that the host logs."""


class ParityDocument(Struct, rename="camel"):
    """The mode of the host, and all findings."""

    mode: Literal["helpful", "strict"]
    """The value of ``--parity``."""
    findings: list[FindingDocument]


def parity_document(findings: Findings) -> ParityDocument:
    """Return the document of the host's findings, sorted by function."""
    return ParityDocument("strict" if findings.is_strict else "helpful", _sorted(findings))


def _sorted(findings: Iterable[Finding]) -> list[FindingDocument]:
    documents = [
        FindingDocument(
            finding.kind.code,
            finding.function,
            finding.file,
            finding.line,
            finding.on_azure,
            finding.detail,
            finding.kind.instead,
            finding.count,
            finding.instances,
            str(finding),
        )
        for finding in findings
    ]
    return sorted(documents, key=lambda document: (document.function.lower(), document.code))
