"""The codes at the end of messages (``[EH201]``) and their entries in ``errors.md``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CATALOGUE = Path(__file__).with_name("errors.md")
CODE = re.compile(r"EH\d{3}")
_ENTRY = re.compile(
    r"^### (?P<code>EH\d{3})\n+"
    r"\*\*Cause:\*\* (?P<cause>.+?)\n+"
    r"\*\*Fix:\*\* (?P<fix>.+?)(?=\n+#|\s*\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class ErrorEntry:
    """The explanation of one error code, in Markdown."""

    cause: str
    fix: str


def entries() -> dict[str, ErrorEntry]:
    """Return the entries of ``errors.md`` by code, in the order of the file."""
    markdown = CATALOGUE.read_text(encoding="utf-8")
    return {
        entry["code"]: ErrorEntry(entry["cause"], entry["fix"])
        for entry in _ENTRY.finditer(markdown)
    }


def with_code(message: str, code: str) -> str:
    """Append a code to a message, unless the message ends with a code."""
    has_code = re.search(rf"\[{CODE.pattern}\]$", message.rstrip())
    return message if has_code else f"{message} [{code}]"
