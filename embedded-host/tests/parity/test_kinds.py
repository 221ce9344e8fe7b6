"""The kinds of findings agree with the documentation."""

from __future__ import annotations

import re

from embedded_host.error_codes import entries
from embedded_host.parity.registry import all_kinds
from tests.docs.markdown import PROJECT

KINDS = all_kinds()


def test_each_kind_has_an_entry_in_the_error_codes() -> None:
    assert len(KINDS) >= 9
    assert KINDS.keys() <= entries().keys()


def test_each_kind_has_a_row_in_the_known_differences() -> None:
    page = PROJECT / "docs" / "reference" / "known-differences.md"
    codes: set[str] = set()
    for cell in re.findall(r"\| ([^|]*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE):
        codes.update(re.findall(r"EH\d{3}", cell))
    assert codes == KINDS.keys()


def test_each_kind_names_the_function_and_an_alternative() -> None:
    for kind in KINDS.values():
        assert "{function}" in kind.on_azure
        assert not kind.on_azure.endswith(".")
        assert kind.instead.endswith(".")
