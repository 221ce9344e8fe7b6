"""The carriers of targets, and exchanges from other threads and event loops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os

import pytest

from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2 import carrier as module
from embedded_worker.sdk2.carrier import (
    Carrier,
    add_carrier,
    carried_target,
    carrier_of,
    deadline_of,
    remaining,
    remove_carrier,
)
from embedded_worker.sdk2.rpc import RpcStatusError
from tests.support.fake_host import FakeHost
from tests.support.polling import eventually_async


@pytest.fixture(autouse=True)
def no_carriers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_carriers", {})


def own_carrier(host: FakeHost) -> Carrier:
    return Carrier(host.send, asyncio.get_running_loop(), os.getpid())


@pytest.mark.parametrize(
    ("target", "carried"),
    [
        ("127.0.0.1:7071", True),
        ("localhost:7071", True),
        ("LocalHost:7071", True),
        ("[::1]:7071", True),
        ("dns:///localhost:7071", True),
        ("dns:localhost:7071", True),
        ("ipv4:127.0.0.1:7071", True),
        ("127.0.0.1:7072", False),
        ("example.org:7071", False),
        ("unix:/tmp/socket", False),
        ("127.0.0.1", False),
        ("", False),
    ],
)
async def test_only_the_target_of_the_host_is_carried(target: str, carried: bool) -> None:
    assert carried_target(target) is None
    add_carrier("127.0.0.1:7071", own_carrier(FakeHost()))
    assert (carried_target(target) is not None) is carried


async def test_the_last_carrier_of_a_target_is_used_until_it_is_removed() -> None:
    first, second = own_carrier(FakeHost()), own_carrier(FakeHost())
    add_carrier("127.0.0.1:1", first)
    add_carrier("localhost:1", second)
    key = carried_target("127.0.0.1:1")
    assert key is not None
    assert carrier_of(key) is second
    remove_carrier("127.0.0.1:1")
    with pytest.raises(RpcStatusError, match="No host serves") as error:
        carrier_of(key)
    assert error.value.code == RpcStatus.UNAVAILABLE
    remove_carrier("127.0.0.1:1")


async def test_an_exchange_works_from_another_thread_and_another_event_loop() -> None:
    host = FakeHost()
    host.responses["GetInstance"] = {"exists": False}
    carrier = own_carrier(host)

    async def in_other_loop() -> bytes:
        assert not carrier.in_own_loop()
        return (await carrier.exchange("GetInstance", {}, None)).body

    def in_thread() -> list[bytes]:
        assert not carrier.in_own_loop()
        return [
            carrier.start("GetInstance", {}, None).result(5).body,
            asyncio.run(in_other_loop()),
        ]

    assert carrier.in_own_loop()
    bodies = await asyncio.to_thread(in_thread)
    bodies.append((await carrier.exchange("GetInstance", {}, None)).body)
    assert bodies == [b'{"exists": false}'] * 3


async def test_the_cancellation_of_a_started_exchange_reaches_the_request() -> None:
    host = FakeHost()
    future = own_carrier(host).start("GetInstance", {}, None)
    await eventually_async(lambda: host.requests, "the request arrives")
    assert future.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()
    await eventually_async(lambda: host.cancelled == ["GetInstance"], "the request is cancelled")


async def test_a_closed_event_loop_and_a_fork_are_unavailable() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    host = FakeHost()
    for carrier in (
        Carrier(host.send, loop, os.getpid()),
        Carrier(host.send, asyncio.get_running_loop(), os.getpid() + 1),
    ):
        with pytest.raises(RpcStatusError) as error:
            carrier.start("GetInstance", {}, None)
        assert error.value.code == RpcStatus.UNAVAILABLE


def test_a_deadline_is_a_time_from_now() -> None:
    assert deadline_of(None) is None
    assert remaining(None) is None
    left = remaining(deadline_of(10.0))
    assert left is not None
    assert 9 < left <= 10
    assert remaining(deadline_of(-1.0)) == 0.0
