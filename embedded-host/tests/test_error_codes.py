"""Each message has a code, each code an entry in ``errors.md``, and each entry a message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import embedded_host
from embedded_host.error_codes import CATALOGUE, CODE, ErrorEntry, entries, with_code

pytestmark = pytest.mark.xdist_group("error codes")  # parses the source once

SOURCE = Path(embedded_host.__file__).parent.parent
INFORMATION = ("host.json: keys without effect",)
"""The start of each string that is printed on stderr and does not report a problem."""


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module by its path, without the templates of ``init``."""
    files = (
        path
        for package in ("embedded_host", "embedded_worker")
        for path in (SOURCE / package).rglob("*.py")
    )
    return {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(files)
        if "templates" not in path.parts
    }


@cache
def codes_in_source() -> dict[str, str]:
    """Return each code of a message with the path of a module that has it."""
    codes: dict[str, str] = {}
    for path, tree in modules().items():
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in docstrings
            ):
                bracketed = re.findall(rf"\[({CODE.pattern})\]", node.value)
                for code in [node.value] if CODE.fullmatch(node.value) else bracketed:
                    codes.setdefault(code, path)
    return codes


def logged_and_printed() -> Iterator[tuple[str, str]]:
    """Yield the position and source of each call that logs or prints a problem."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            is_logged = re.fullmatch(r"log\.(warning|error|exception|critical)", name)
            is_printed = name == "print" and any(
                "stderr" in ast.unparse(k.value) for k in node.keywords
            )
            if (is_logged or is_printed) and any(
                re.search(r"[a-z]{3} [a-z]{2}", text) for text in _texts(node)
            ):
                yield f"{path}:{node.lineno}", ast.unparse(node)


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def test_each_code_in_the_source_has_an_entry() -> None:
    missing = {code: path for code, path in codes_in_source().items() if code not in entries()}
    assert not missing, "Add '### CODE' with **Cause:** and **Fix:** to errors.md"


def test_each_entry_has_a_message_with_its_code() -> None:
    unused = set(entries()) - set(codes_in_source())
    assert not unused, "Remove the entries from errors.md"


def test_each_entry_has_a_cause_and_a_fix_and_they_are_in_order() -> None:
    headings = re.findall(r"^### (.*)", CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == sorted(set(headings))
    assert list(entries()) == headings, (
        "an entry has the form '### EH201', **Cause:** …, **Fix:** …"
    )
    for code, entry in entries().items():
        assert len(entry.cause) > 20, code
        assert entry.cause.endswith("."), code
        assert entry.fix.endswith("."), code
        assert "\n\n" not in entry.cause + entry.fix, code


def test_each_logged_or_printed_problem_has_a_code() -> None:
    without = [
        f"{position}: {source}"
        for position, source in logged_and_printed()
        if not CODE.search(source)
        and "str(error)" not in source
        and not any(t in source for t in INFORMATION)
    ]
    assert not without, 'End each text with a code, as in "... with --state. [EH211]"'


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("It is so.", "It is so. [EH205]"),
        ("The host stopped: full. [EH215]", "The host stopped: full. [EH215]"),
        ("See [EH215] first.", "See [EH215] first. [EH205]"),
    ],
)
def test_with_code_appends_a_code_only_to_a_message_that_does_not_end_with_one(
    message: str, result: str
) -> None:
    assert with_code(message, "EH205") == result


def test_an_entry_does_not_contain_the_labels_cause_and_fix() -> None:
    entry = entries()["EH204"]
    assert entry == ErrorEntry(
        "`FUNCTIONS_WORKER_PROCESS_COUNT` is not a number from 1 to 10.",
        "Correct the value, or remove it. The default is 1.",
    )
