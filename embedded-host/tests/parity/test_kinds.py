"""The kinds of findings agree with the documentation."""

from __future__ import annotations

import re
from collections import Counter

from embedded_host.error_codes import entries
from embedded_host.parity import kinds
from tests.docs.markdown import PROJECT

KINDS = [value for value in vars(kinds).values() if isinstance(value, kinds.Kind)]
CODES = Counter(kind.code for kind in KINDS)


def test_each_kind_has_its_own_code() -> None:
    assert len(KINDS) == 9
    assert set(CODES.values()) == {1}
    assert CODES.keys() <= entries().keys()


def test_each_kind_has_one_row_in_the_known_differences() -> None:
    page = PROJECT / "docs" / "reference" / "known-differences.md"
    rows = re.findall(r"\| (EH\d{3}) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert Counter(rows) == CODES


def test_each_kind_names_the_function_and_an_alternative() -> None:
    for kind in KINDS:
        assert "{function}" in kind.on_azure
        assert not kind.on_azure.endswith(".")
        assert kind.instead.endswith(".")
