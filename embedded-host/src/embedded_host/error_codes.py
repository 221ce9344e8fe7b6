"""The codes at the end of messages (``[EH201]``) and their entries in ``errors.md``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CATALOGUE = Path(__file__).with_name("errors.md")
CODE = re.compile(r"EH\d{3}")
_ENTRY = re.compile(
    r"^### (?P<code>EH\d{3})\n+\*\*Cause:\*\* (?P<cause>.+?)\n+\*\*Fix:\*\* (?P<fix>.+?)(?=\n+#|\s*\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class ErrorEntry:
    """The explanation of one code, in Markdown."""

    cause: str
    fix: str


def entries() -> dict[str, ErrorEntry]:
    """Return the entries of ``errors.md`` by code, in the file's order."""
    text = CATALOGUE.read_text(encoding="utf-8")
    return {
        found["code"]: ErrorEntry(found["cause"], found["fix"]) for found in _ENTRY.finditer(text)
    }


def with_code(text: str, code: str) -> str:
    """Append a code to a message, unless the message ends with a code already."""
    return text if re.search(rf"\[{CODE.pattern}\]$", text.rstrip()) else f"{text} [{code}]"
