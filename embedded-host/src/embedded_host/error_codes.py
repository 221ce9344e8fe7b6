"""Codes of messages: ``[EH201]`` at the end of one leads to its entry in ``errors.md``, with the cause and the cure.

A message is written with its code where it is made; ``tests/embedded_host/test_error_codes.py`` holds the source and
``errors.md`` to each other.
"""

from __future__ import annotations

import re
from pathlib import Path

BOOK = Path(__file__).with_name("errors.md")
CODE = re.compile(r"EH\d{3}")
_LINK = re.compile(r"\]\(#([\w-]+)\)")
_ENTRY = re.compile(r"^### (EH\d{3})\n+(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


def entries() -> dict[str, str]:
    """What ``errors.md`` says of each code, as Markdown: the message in a block, then cause and cure. In the file's order."""
    return {code: text.strip("\n") for code, text in _ENTRY.findall(BOOK.read_text(encoding="utf-8"))}


def listed(text: str) -> list[str]:
    """The sections of ``errors.md`` that an entry's text links to, each with its heading: what the entry leaves to a list."""
    found: list[str] = []
    lines = BOOK.read_text(encoding="utf-8").splitlines()
    for anchor in dict.fromkeys(_LINK.findall(text)):
        level = 0
        for line in lines:
            marks, _, heading = line.partition(" ")
            if line.startswith("#"):
                if level and len(marks) <= level:
                    break
                if not level and _anchor(heading) == anchor:
                    level = len(marks)
                    found.append(heading + "\n")
                    continue
            if level:
                found[-1] += f"{line}\n"
    return [section.rstrip() for section in found]


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def with_code(text: str, code: str) -> str:
    """``text`` with its code, unless one stands at its end already, as in a message that tells of another one."""
    return text if re.search(rf"\[{CODE.pattern}\]$", text.rstrip()) else f"{text} [{code}]"
