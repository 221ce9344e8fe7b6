"""docs/contributing.md: the paths of the glossary exist."""

from __future__ import annotations

import re

from tests.docs.markdown import PROJECT

PAGE = (PROJECT / "docs" / "contributing.md").read_text(encoding="utf-8")
ROOTS = (PROJECT / "src" / "embedded_host", PROJECT / "src", PROJECT)


def glossary() -> dict[str, list[str]]:
    """Return the paths in each row of the glossary by the term of the row."""
    table = PAGE.partition("| term |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [row.strip("| ").split(" | ") for row in table]
    return {term: re.findall("`([^`]+)`", code) for term, _, code in cells}


def test_the_paths_of_the_glossary_exist() -> None:
    missing = {
        term: path
        for term, paths in glossary().items()
        for path in paths
        if not any((root / path).exists() for root in ROOTS)
    }
    assert len(glossary()) > 40
    assert not missing


def test_each_term_has_a_path() -> None:
    assert not [term for term, paths in glossary().items() if not paths]
