"""A finding of a check: a problem of the app or of this machine, with its fix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from embedded_host.app.definitions import Problem

Severity = Literal["error", "warning"]
"""An error stops the host or a function on this machine. Any other problem is a warning."""
_LOCATION = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+)(?::(?P<column>\d+))?)?", re.DOTALL)
_MESSAGE = re.compile(r"(?P<text>.+?) \[(?P<code>EH\d{3})\]", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """A problem with its severity, its fix and its place."""

    severity: Severity
    text: str
    """The problem, in whole sentences."""
    fix: str
    """The fix, in whole sentences. It is empty if ``text`` has the fix."""
    code: str
    """The code in ``errors.md``."""
    file: str | None = None
    """A file relative to the app folder, or None."""
    line: int | None = None

    @property
    def place(self) -> str:
        """The file and the line, such as ``requirements.txt:3``, or an empty string."""
        return f"{self.file or ''}:{self.line}" if self.line else self.file or ""

    def document(self) -> dict[str, object]:
        """Return the JSON object of ``--json``."""
        return {
            "severity": self.severity,
            "code": self.code,
            "text": self.text,
            "fix": self.fix,
            "file": self.file,
            "line": self.line,
        }


def finding_of(problem: Problem) -> Finding:
    """Return the finding for a problem that ``read_app`` reported."""
    severity: Severity = "error" if problem.fatal or problem.function else "warning"
    match = _LOCATION.fullmatch(problem.location)
    assert match is not None
    line = int(match["line"]) if match["line"] else None
    return Finding(severity, problem.fault, problem.fix, problem.code, match["file"], line)


def finding_of_error(error: Exception, severity: Severity = "error") -> Finding:
    """Return the finding for an error whose message has the fix and ends with a code."""
    match = _MESSAGE.fullmatch(str(error))
    if match is None:
        return Finding(severity, str(error), "", "EH205")
    return Finding(severity, match["text"], "", match["code"])
