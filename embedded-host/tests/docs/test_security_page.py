"""docs/explanation/threat-model.md: each threat has tests, and each named test exists."""

from __future__ import annotations

import ast
import re

from tests.docs.markdown import PROJECT

TEXT = (PROJECT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
ROWS = [
    line
    for line in TEXT.splitlines()
    if line.startswith("|") and not re.match(r"\|(---| threat )", line)
]


def test_each_threat_has_a_test() -> None:
    assert len(ROWS) >= 15
    assert not [
        row for row in ROWS if not re.search(r"`tests/[\w/]+\.py::test_\w+`", row.split("|")[3])
    ]


def test_each_named_test_exists() -> None:
    assert len(NAMED) >= len(ROWS)
    assert len(NAMED) == TEXT.count("::"), "write each test as `tests/file.py::test_name`"
    missing = []
    for file, name in NAMED:
        path = next(
            (root / file for root in (PROJECT, PROJECT.parent) if (root / file).is_file()),
            PROJECT / file,
        )
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        functions = [
            n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        if name not in functions:
            missing.append(f"{file}::{name}")
    assert not missing
