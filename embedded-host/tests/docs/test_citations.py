"""Citations of docs/reference/functions-host.md in code and pages: each anchor exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.markdown import PROJECT, anchors

SPECIFICATION = PROJECT / "docs" / "reference" / "functions-host.md"
CITATION = re.compile(r"functions-host\.md(#[\w-]+(?:(?:,| and) #[\w-]+)*)?")
OLD_CITATION = re.compile(r"\bcontract(?:\.md)?(?:, | |,)§?\d", re.IGNORECASE)
FOLDERS = ("benchmarks", "docs", "src", "tests")


def files() -> Iterator[Path]:
    """Yield the sources, tests and pages of both projects, except this test."""
    roots = [PROJECT / name for name in FOLDERS]
    roots += [PROJECT.parent / name for name in ("deploy", "shared", "tests")]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in (".py", ".md", ".js", ".sql", ".html") and path != Path(__file__):
                yield path


def test_each_cited_section_of_the_specification_exists() -> None:
    sections = anchors(SPECIFICATION)
    cited, missing = 0, []
    for path in files():
        for citation in CITATION.finditer(path.read_text(encoding="utf-8")):
            for anchor in re.findall(r"#([\w-]+)", citation[1] or ""):
                cited += 1
                if anchor not in sections:
                    missing.append(f"{path.relative_to(PROJECT.parent)}: #{anchor}")
    assert cited > 100
    assert not missing


def test_no_citation_has_a_section_number() -> None:
    old = [
        f"{path.relative_to(PROJECT.parent)}: {citation[0]}"
        for path in files()
        for citation in OLD_CITATION.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not old, "Cite an anchor: functions-host.md#raise-an-event"
