from __future__ import annotations

import sys
from types import ModuleType

import pytest

from embedded_worker.sdk2 import version_cache


def replaced(monkeypatch: pytest.MonkeyPatch, **members: object) -> ModuleType:
    module = ModuleType("interceptor")
    vars(module).update(members)
    monkeypatch.setattr(version_cache, "_MODULE", "interceptor")
    monkeypatch.setitem(sys.modules, "interceptor", module)
    return module


def test_the_sdk_reads_its_version_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def version(name: str) -> str:
        reads.append(name)
        return "2.0.0"

    module = replaced(monkeypatch, version=version)
    version_cache.cache_sdk_version()
    cached = module.version
    version_cache.cache_sdk_version()
    assert module.version is cached
    assert (cached("a"), cached("a"), cached("b")) == ("2.0.0", "2.0.0", "2.0.0")
    assert reads == ["a", "b"]


def test_another_sdk_is_left_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    module = replaced(monkeypatch)
    version_cache.cache_sdk_version()
    assert not hasattr(module, "version")
    monkeypatch.setattr(version_cache, "_MODULE", "no_such_module_of_the_sdk")
    version_cache.cache_sdk_version()
