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
    cache, one, other = InstanceCache(), instance("a"), instance("a")
    cache.adopt(one)
    assert (cache.get("a") is one, one in cache, other in cache, list(cache) == [one]) == (
        True,
        True,
        False,
        True,
    )
    cache.forget(other)
    assert cache.get("a") is one
    cache.forget(one)
    assert cache.get("a") is None


def test_the_instance_that_has_waited_longest_leaves_a_full_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 2)
    cache, made = InstanceCache(), [instance(id) for id in "abcd"]
    for one in made:
        cache.adopt(one)
    for one in (made[0], made[1], made[0], made[2]):
        cache.waits(one)
    assert [one.id for one in cache] == ["a", "c", "d"]


def test_a_working_instance_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_cache, "WAITING", 1)
    cache, made = InstanceCache(), [instance(id) for id in "ab"]
    for one in made:
        cache.adopt(one)
        cache.waits(one)
        cache.works(one)
    assert [one.id for one in cache] == ["a", "b"]
