"""The kinds of findings by code."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from embedded_host.parity import kinds
from embedded_host.parity.kinds import Kind
from embedded_host.parity.kinds.sdk2 import CALL_HTTP
from embedded_host.parity.registry import all_kinds, kind_of


def test_a_code_has_its_kind() -> None:
    assert kind_of("EH802") is CALL_HTTP


def test_an_unknown_code_has_no_kind() -> None:
    with pytest.raises(KeyError):
        kind_of("EH999")


def test_no_two_kinds_have_the_same_code() -> None:
    declared = [
        kind
        for module in pkgutil.iter_modules(kinds.__path__, f"{kinds.__name__}.")
        for kind in vars(importlib.import_module(module.name)).values()
        if isinstance(kind, Kind)
    ]
    assert len(declared) == len(all_kinds())
