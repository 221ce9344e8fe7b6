"""The errors of functions in the words of the Azure Functions host."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.app.indexing_errors import indexing_error, is_valid_name, unregistered


def function(name: str = "hello", *bindings: Binding) -> Function:
    trigger = Binding("activityTrigger", "value", "in")
    return Function(name, Path(), Path("function_app.py"), name, (trigger, *bindings))


@pytest.mark.parametrize("name", ["a", "hello_1", "A-b", "a" * 128])
def test_valid_names(name: str) -> None:
    assert is_valid_name(name)
    assert indexing_error(function(name), has_bundle=False) == ""


@pytest.mark.parametrize("name", ["_a", "1a", "a.b", "a b", "host", "a" * 129, ""])
def test_names_that_are_not_valid(name: str) -> None:
    assert not is_valid_name(name)
    error = indexing_error(function(name), has_bundle=False)
    assert error.startswith(f"'{name}' is not a valid function name.")


@pytest.mark.parametrize(
    ("binding", "error"),
    [
        (Binding("queue", "a-b", "out"), "The binding name a-b is invalid."),
        (Binding("queue", "Value", "out"), "Multiple bindings with name 'Value' discovered."),
        (Binding("nosuch", "x", "out"), "The binding type(s) 'nosuch' are not registered."),
        (Binding("durableClient", "a__b", "in", {"durableRequiresGrpc": True}), ""),
    ],
)
def test_a_binding_that_is_not_valid(binding: Binding, error: str) -> None:
    found = indexing_error(function("hello", binding), has_bundle=False)
    assert found.startswith(error)
    assert bool(found) == bool(error)


def test_a_type_that_is_not_known_may_be_in_the_bundle() -> None:
    binding = Binding("nosuch", "x", "out")
    assert indexing_error(function("hello", binding), has_bundle=True) == ""
    assert "not found in the configured extension bundle" in unregistered("x", has_bundle=True)
