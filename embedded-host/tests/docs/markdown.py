"""Functions that read code blocks, links, commands and paths from the Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[2]
REPOSITORY = PROJECT.parent
APP_README = REPOSITORY / "README.md"
PAGES = [
    APP_README,
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
]
CODES = PROJECT / "src" / "embedded_host" / "errors.md"
"""The list of error codes. Its indented lines are messages, not commands."""
ERRORS_PAGE = PROJECT / "docs" / "reference" / "errors.md"
FOLDERS = "docs|tests|embedded_host|benchmarks|engine|worker|store|task_hub|http|cli|deploy"


@dataclass
class Block:
    line: int
    language: str
    """The language of a fence; empty for an indented block."""
    file: str = ""
    """The path of the file that the block belongs to; empty if there is none.

    It comes from `title="path"` of the fence, or from `# path` in its first line.
    """
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def name(page: Path) -> str:
    """Return the path of a page below docs/, as in `how-to/testing.md`.

    For other pages, return the path in the repository.
    """
    path = page.relative_to(REPOSITORY).as_posix()
    return path.removeprefix("embedded-host/docs/")


def blocks(page: Path) -> list[Block]:
    """Return the fenced and indented blocks in the order of the page."""
    found: list[Block] = []
    block: Block | None = None
    before = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r'```(\w*)(?: title="([^"]+)")?', line)
        if block is not None and block.language:
            if fence:
                block = None
            else:
                block.lines.append(line)
        elif fence:
            block = Block(number, fence[1] or "text", fence[2] or "")
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
        comment = each.language and each.lines and re.fullmatch(r"# (\S+\.\w+)", each.lines[0])
        if comment:
            each.file = comment[1]
    return found


def without_fences(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    text = re.sub(r"^(    |\t).*$", "", without_fences(page), flags=re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))


def inline_commands(page: Path) -> list[str]:
    """Return each inline command ``embedded-host ...`` in sentences and tables."""
    commands = re.findall(r"`(embedded-host [^`\n]+)`", without_fences(page))
    return [c for c in commands if "…" not in c and not c.endswith("|...")]


def paths(page: Path) -> list[str]:
    """Return the files and folders of the repository that sentences and tables name."""
    named = re.findall(r"`([\w./-]+)`", without_fences(page))
    return [path for path in named if re.match(rf"({FOLDERS})/", path)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings.

    An anchor is either explicit, as in `# Title {#title}`, or the slug of the heading.
    """
    text = page.read_text(encoding="utf-8")
    if page == ERRORS_PAGE:  # the documentation site shows the list on this page
        text += CODES.read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE):
        explicit = re.search(r"\{#([\w-]+)\}$", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(explicit[1] if explicit else slug)
    return found
