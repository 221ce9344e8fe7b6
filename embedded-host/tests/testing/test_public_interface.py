"""The names that ``embedded_host.testing`` exports, and the types in their signatures."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import embedded_host.testing as kit
from embedded_host.testing import EmbeddedHostError

EXPORTED: dict[str, Any] = {name: getattr(kit, name) for name in kit.__all__}
CLASSES = [value for value in EXPORTED.values() if isinstance(value, type)]


def public_functions() -> Iterator[tuple[str, Any]]:
    """Yield exported functions, and methods, constructors and property getters of classes."""
    yield "crash_everywhere", kit.crash_everywhere
    for cls in CLASSES:
        for name in dir(cls):
            if name.startswith("_") and name != "__init__":
                continue
            member = inspect.getattr_static(cls, name)
            member = member.fget if isinstance(member, property) else getattr(cls, name)
            if inspect.isfunction(member) and member.__module__.startswith("embedded_host."):
                yield f"{cls.__name__}.{name}", member


FUNCTIONS = dict(public_functions())
METHODS = [name for name in FUNCTIONS if not name.endswith(".__init__")]


def types_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        for each in part if isinstance(part, list) else [part]:
            yield from types_in(each)


def test_type_checkers_and_the_interpreter_see_the_same_names() -> None:
    tree = ast.parse(Path(inspect.getfile(kit)).read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(kit.__all__)


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"'embedded_host\.testing' has no attribute 'TaskHub'"
    ):
        _ = kit.TaskHub


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_has_a_docstring(name: str) -> None:
    assert inspect.getdoc(FUNCTIONS[name])


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exported_class_has_its_own_docstring(cls: type) -> None:
    assert cls.__doc__


@pytest.mark.parametrize("name", ["DurableApp.__init__", *METHODS])
def test_signatures_have_exported_types_only(name: str) -> None:
    function = inspect.unwrap(FUNCTIONS[name])
    hints = typing.get_type_hints(function)
    internal = {
        cls
        for hint in hints.values()
        for cls in types_in(hint)
        if cls.__module__.startswith("embedded_host.") and cls not in CLASSES
    }
    assert not internal


def test_the_app_and_the_handles_have_no_internal_objects_in_public_attributes() -> None:
    for cls in (kit.DurableApp, kit.SyncDurableApp, kit.InstanceHandle, kit.Fake, kit.HttpFake):
        assert not {"client", "hub", "store", "worker", "runner", "simulation"} & set(dir(cls))


def test_every_exception_of_the_kit_is_exported_and_derives_from_the_hosts_base_class() -> None:
    errors = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == module.__name__
    }
    assert errors
    assert errors <= set(CLASSES)
    for error in errors:
        assert issubclass(error, EmbeddedHostError)


def test_assertion_errors_are_those_of_failed_expectations() -> None:
    failed_expectations = {
        name for name, value in EXPORTED.items() if is_subclass(value, AssertionError)
    }
    assert failed_expectations == {
        "CrashChangedOutcomeError",
        "FakeCallsError",
        "HistoryMismatchError",
        "NotFinishedError",
        "OrchestrationFailedError",
        "ParityError",
    }


def is_subclass(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def modules() -> list[ModuleType]:
    import importlib
    import pkgutil

    return [
        importlib.import_module(f"{kit.__name__}.{module.name}")
        for module in pkgutil.iter_modules(kit.__path__)
    ]
