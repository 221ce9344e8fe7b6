"""What a page holds: blocks of code, links, and the places that links may lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
LISTS = [PROJECT / "src" / "embedded_host" / "errors.md"]
"""Pages without commands; their indented lines are messages."""
ERRORS_PAGE = PROJECT / "docs" / "reference" / "errors.md"


@dataclass
class Block:
    line: int
    language: str
    """Of a fence; empty for indented lines."""
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def blocks(page: Path) -> list[Block]:
    """Fenced and indented code, in order."""
    found: list[Block] = []
    block: Block | None = None
    before = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"```(\w*)", line)
        if block is not None and block.language:
            if fence:
                block = None
            else:
                block.lines.append(line)
        elif fence:
            block = Block(number, fence[1] or "text")
            found.append(block)
        elif line.startswith("    ") and (block is not None or not before.strip()):
            if block is None:
                block = Block(number, "")
                found.append(block)
            block.lines.append(line[4:])
        elif block is not None and not line.strip():
            block.lines.append("")
        else:
            block = None
        before = line
    for each in found:
        while each.lines and not each.lines[-1].strip():
            each.lines.pop()
    return found


def prose(page: Path) -> str:
    """The page without its code."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    text = re.sub(r"^(    |\t).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def inline_commands(page: Path) -> list[str]:
    """``embedded-host ...`` as it stands in sentences and tables."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return [
        c
        for c in re.findall(r"`(embedded-host [^`\n]+)`", text)
        if "…" not in c and not c.endswith("|...")
    ]


def paths(page: Path) -> list[str]:
    """Files and folders of the repository that are named in the text, in code, and that look like paths."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    named = re.findall(r"`([\w./-]+)`", text)
    return [
        n
        for n in named
        if re.match(
            r"(docs|tests|embedded_host|benchmarks|engine|worker|store|task_hub|http|cli)/", n
        )
    ]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = page.read_text(encoding="utf-8")
    if page == ERRORS_PAGE:  # the documentation site shows the list on this page
        text += LISTS[0].read_text(encoding="utf-8")
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
