"""The lines of the Markdown pages: one sentence per line, code within 100 columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, PROJECT, Block, blocks
from tests.docs.test_pages import kind

COLUMNS = 100
BLOCK = re.compile(r"\s|[|#<>!]|[-*] |\d+\. |:::|--8<--")
"""The start of a line that is not prose: code, tables, headings, HTML, lists and directives."""
INLINE = re.compile(r"`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<!--.*?-->")
SENTENCE_END = re.compile(r"[.!?][*_)\"”]* +(?=[A-Z…])")
ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|No|etc)\.$")


def name(page: Path) -> str:
    """Return the path below the repository."""
    return page.relative_to(PROJECT.parent).as_posix()


def prose_lines(text: str) -> list[tuple[int, str]]:
    """Return the numbered lines of paragraphs, with code and links replaced by `X`."""
    text = re.sub(r"^```.*?^```", lambda code: "\n" * code[0].count("\n"), text, flags=re.S | re.M)
    return [
        (number, INLINE.sub("X", line).rstrip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not BLOCK.match(line)
    ]


def faults(text: str) -> list[str]:
    """Return a message for each line with several sentences or with an incomplete sentence."""
    lines = prose_lines(text)
    numbers = {number for number, _ in lines}
    found = []
    for number, line in lines:
        if any(
            not ABBREVIATION.search(line[: end.start() + 1]) for end in SENTENCE_END.finditer(line)
        ):
            found.append(f"line {number} has several sentences: {line}")
        if number + 1 in numbers and not re.search(r"[.:;!?…][*_)\"”]*$|X$", line):
            found.append(f"line {number} ends inside a sentence: {line}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_one_sentence_per_line(page: Path) -> None:
    assert not faults(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_and_commands_end_at_100_columns(page: Path) -> None:
    assert not [
        f"{block.line}: {line}"
        for block in blocks(page)
        for line in block.lines
        if len(line) > COLUMNS and not is_printed(block, line)
    ]


def is_printed(block: Block, line: str) -> bool:
    """Return True for a line that cannot be wrapped: the output of a program, or JSON."""
    if block.language or line.startswith("$ "):
        return block.language == "json"
    return kind(block) in ("session", "output")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One sentence.\nAnother `a. B`, and a [link. To](page.md).\n", 0),
        ("One sentence. Another one.\n", 1),
        ("A sentence that\ncontinues.\n", 1),
        ("- An item. With two sentences.\n\n| A cell. With two. |\n", 0),
        ("```text\nOne. Two.\n```\n", 0),
    ],
)
def test_faults_are_found_in_paragraphs_only(text: str, count: int) -> None:
    assert len(faults(text)) == count
