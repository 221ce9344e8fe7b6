"""Short runs of the load tests, and tests that they report a wrong response."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.load import many
from tests.load.load_app import load_app
from tests.load.memory import Sample, growth
from tests.load.soak import KINDS, Load, SoakFailedError, internal_errors
from tests.support.running_host import RunningHost

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def host(tmp_path: Path) -> RunningHost:
    return RunningHost(load_app(tmp_path / "app").root, tmp_path / "state", "--no-reload")


def samples(*hosts: float) -> list[Sample]:
    return [Sample(float(n), host, 50.0, 20, 1.0) for n, host in enumerate(hosts)]


def test_growth_after_the_warm_up_is_reported() -> None:
    warming_up = samples(10, 50, *[100 + n % 3 for n in range(18)])
    assert growth(warming_up) == []
    assert growth(samples(*[100 + 3 * n for n in range(20)])) == ["host grew from 121.0 to 151.0"]
    with pytest.raises(ValueError, match="eight"):
        growth(samples(1, 2))


def test_the_soak_test_passes_for_six_seconds(host: RunningHost) -> None:
    with host:
        load = Load(host, seed=3, clients=4, pause=0.0)
        lines: list[str] = []
        asyncio.run(load.run(6, every=0.25, log=lines.append))
        assert load.done["orchestrations"] > 10
        assert load.done["stream lines"] > 0
        assert "orchestrations" in lines[0]
        assert host.stop() == 0
        assert internal_errors(host.log) == []


def test_a_wrong_output_fails_the_soak_test(
    host: RunningHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "Chain", (3, 25))
    with host, pytest.raises(SoakFailedError, match="Chain-"):
        asyncio.run(Load(host, seed=3, clients=4, pause=0.0).run(20, every=1, log=lambda _: None))


def test_seven_hundred_waiting_instances_complete(host: RunningHost) -> None:
    with host:
        asyncio.run(many.instances(host, 700, lambda _: None))


def test_two_hundred_streams_receive_a_change(host: RunningHost) -> None:
    with host:
        assert asyncio.run(many.streams(host, 200, lambda _: None)) < 10


def test_misbehaving_clients_do_not_delay_other_requests(host: RunningHost) -> None:
    with host:
        asyncio.run(many.bad_clients(host, 5, 3, lambda _: None))
        assert "Traceback" not in host.log
