"""Read requirements.txt.

The format is that of pip: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from embedded_host.doctor.finding import Finding

NAME = "requirements.txt"
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:-r\s*|--requirement[\s=]+)(?P<file>.+)")
_OPTIONS = re.compile(r"\s--?[a-z].*$")
"""The options of one requirement, such as ``--hash``."""
_FILE_OPTION = re.compile(
    r"(-[icef](\s|$|(?=[^-\s]))|--(index-url|extra-index-url|no-index|constraint|editable|find-links"
    r"|no-binary|only-binary|prefer-binary|require-hashes|pre|trusted-host|use-feature)(\s|=|$))"
)
"""The options of a whole file, except those that include a file."""
_NOT_A_NAME = re.compile(r"[./~]|[a-z+]+://|[A-Za-z]:[\\/]|[^\s@]*\.(whl|zip|tar\.gz)$")
"""A file, a folder or a URL. pip reads its name and version from the package itself."""


@dataclass(frozen=True)
class RequirementLine:
    """A requirement with its place."""

    requirement: Requirement
    file: str
    line: int

    @property
    def name(self) -> str:
        """The name of the package in its normalized form."""
        return canonicalize_name(self.requirement.name)

    def applies(self, markers: dict[str, str]) -> bool:
        """Return True if its marker is true in an environment with these values."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate({**markers, "extra": ""})


@dataclass(frozen=True)
class RequirementsFile:
    """The requirements of the app. Constraints, files and URLs are not among them."""

    exists: bool = True
    lines: tuple[RequirementLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    """The files and lines that pip cannot read."""
    is_complete: bool = True
    """False if a file cannot be read, so that its requirements are unknown."""

    def of(self, name: str) -> RequirementLine | None:
        """Return the requirement of a package, by its normalized name."""
        return next((line for line in self.lines if line.name == name), None)


def read_requirements(root: Path) -> RequirementsFile:
    """Return the requirements of the app in the folder ``root``, with those of included files."""
    if not (root / NAME).is_file():
        return RequirementsFile(exists=False)
    lines: list[RequirementLine] = []
    findings: list[Finding] = []
    _read(root, Path(NAME), lines, findings, set())
    is_complete = all(finding.line is not None for finding in findings)
    return RequirementsFile(True, tuple(lines), tuple(findings), is_complete)


def _read(
    root: Path,
    file: Path,
    lines: list[RequirementLine],
    findings: list[Finding],
    read: set[Path],
) -> None:
    path, name = (root / file).resolve(), file.as_posix()
    if path in read:
        return
    read.add(path)
    try:
        text = _decoded(path.read_bytes())
    except (OSError, UnicodeError) as error:
        findings.append(_invalid(name, None, f"The file cannot be read: {error}."))
        return
    for number, line in _logical_lines(text):
        include = _INCLUDE.fullmatch(line)
        if include:
            _read(root, file.parent / include["file"].strip("\"'"), lines, findings, read)
        elif line.startswith("-") and not _FILE_OPTION.match(line):
            text = f"pip cannot read the line '{line}': it has no such option."
            findings.append(_invalid(name, number, text))
        elif line.startswith("-") or "${" in line or _NOT_A_NAME.match(line):
            continue
        else:
            try:
                requirement = Requirement(_OPTIONS.sub("", line))
            except InvalidRequirement as error:
                reason = str(error).splitlines()[0].rstrip(".")
                findings.append(
                    _invalid(name, number, f"pip cannot read the line '{line}': {reason}.")
                )
            else:
                lines.append(RequirementLine(requirement, name, number))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line, without comments and continuations."""
    joined, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        if line.endswith("\\"):
            joined += line[:-1]
            continue
        stripped = _COMMENT.sub("", joined + line).strip()
        if stripped:
            yield first, stripped
        joined, first = "", 0
    if stripped := _COMMENT.sub("", joined).strip():
        yield first, stripped


def _decoded(content: bytes) -> str:
    """Decode a file as pip does: PowerShell's ``>`` writes UTF-16 with a byte order mark."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8")


def _invalid(file: str, line: int | None, text: str) -> Finding:
    return Finding(
        "warning",
        text,
        "Correct it: Azure installs the app's packages from this file.",
        "EH704",
        file,
        line,
    )
