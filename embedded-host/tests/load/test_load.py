"""The scripts of this folder, small: what they say of a host, and that they can say no."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.load import many
from tests.load.load_app import load_app
from tests.load.memory import Sample, growth
from tests.load.soak import KINDS, Load, SoakFailedError, complaints
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def host(tmp_path: Path) -> RunningHost:
    return RunningHost(load_app(tmp_path / "app").root, tmp_path / "state", "--no-reload")


def samples(*hosts: float) -> list[Sample]:
    return [Sample(float(n), host, 50.0, 20, 1.0) for n, host in enumerate(hosts)]


def test_memory_that_grows_and_memory_that_does_not() -> None:
    warming_up = samples(10, 50, *[100 + n % 3 for n in range(18)])
    assert growth(warming_up) == []
    assert growth(samples(*[100 + 3 * n for n in range(20)])) == ["host grew from 121.0 to 151.0"]
    with pytest.raises(ValueError, match="eight"):
        growth(samples(1, 2))


def test_a_little_of_everything(host: RunningHost) -> None:
    with host:
        load = Load(host, seed=3, clients=4, pause=0.0)
        said: list[str] = []
        asyncio.run(load.run(6, every=0.5, say=said.append))
        assert load.done["orchestrations"] > 10
        assert load.done["stream lines"] > 0
        assert "orchestrations" in said[0]
        assert host.stop() == 0
        assert complaints(host.log) == []


def test_a_wrong_answer_is_seen(host: RunningHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "Chain", (3, 25))
    with host, pytest.raises(SoakFailedError, match="Chain-"):
        asyncio.run(Load(host, seed=3, clients=4, pause=0.0).run(20, every=1, say=lambda _: None))


def test_many_instances_wait_and_go_on(host: RunningHost) -> None:
    with host:
        asyncio.run(many.instances(host, 700, lambda _: None))  # more than stay in memory


def test_many_streams_are_told(host: RunningHost) -> None:
    with host:
        assert asyncio.run(many.streams(host, 200, lambda _: None)) < 10


def test_bad_clients_cost_only_themselves(host: RunningHost) -> None:
    with host:
        asyncio.run(many.bad_clients(host, 5, 3, lambda _: None))
        assert "Traceback" not in host.log
