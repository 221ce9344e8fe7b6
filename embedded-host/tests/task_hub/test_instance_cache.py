from __future__ import annotations

import pytest

from embedded_host.engine import history as h
from embedded_host.task_hub import instance_cache
from embedded_host.task_hub.instance_cache import InstanceCache
from embedded_host.task_hub.instances import LoadedInstance, new_orchestration
from tests.engine.scenario import T0


def instance(id: str) -> LoadedInstance:
    return new_orchestration(
        1, h.execution_started(T0, instance_id=id, execution_id="e", name="Main", input=None)
    )


def test_an_instance_is_found_by_its_id_until_it_is_forgotten() -> None:
    cache, first, second = InstanceCache(), instance("a"), instance("a")
    cache.adopt(first)
    assert (cache.get("a") is first, first in cache, second in cache, list(cache) == [first]) == (
        True,
        True,
        False,
        True,
    )
    cache.forget(second)
    assert cache.get("a") is first
    cache.forget(first)
    assert cache.get("a") is None


def test_a_full_cache_evicts_the_instance_that_was_idle_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 2)
    cache, instances = InstanceCache(), [instance(id) for id in "abcd"]
    for item in instances:
        cache.adopt(item)
    for item in (instances[0], instances[1], instances[0], instances[2]):
        cache.mark_idle(item)
    assert [item.id for item in cache] == ["a", "c", "d"]


def test_a_busy_instance_is_not_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 1)
    cache, instances = InstanceCache(), [instance(id) for id in "ab"]
    for item in instances:
        cache.adopt(item)
        cache.mark_idle(item)
        cache.mark_busy(item)
    assert [item.id for item in cache] == ["a", "b"]
