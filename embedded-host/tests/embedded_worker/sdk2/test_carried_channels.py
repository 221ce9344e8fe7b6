"""The functions that open channels, for the target of the host and for others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import grpc.aio
import pytest
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

import embedded_worker
from embedded_worker.sdk2.async_channel import AsyncChannel
from embedded_worker.sdk2.carried_channels import carry_channels
from embedded_worker.sdk2.carrier import remove_carrier
from embedded_worker.sdk2.sync_channel import SyncChannel
from tests.embedded_worker.sdk2.conftest import TARGET
from tests.support.fake_host import FakeHost

GET = pb.GetInstanceRequest(instanceId="i")


async def test_channels_to_the_host_are_carried_and_others_are_not(host: FakeHost) -> None:
    assert isinstance(grpc.insecure_channel(TARGET), SyncChannel)
    assert isinstance(grpc.insecure_channel("localhost:7071", options=[]), SyncChannel)
    assert isinstance(grpc.aio.insecure_channel(target=TARGET, options=[]), AsyncChannel)
    with grpc.insecure_channel("127.0.0.1:7070", [("grpc.enable_retries", 0)]) as other:
        assert not isinstance(other, SyncChannel)
    async with grpc.aio.insecure_channel("127.0.0.1:7070", interceptors=[]) as aio_other:
        assert not isinstance(aio_other, AsyncChannel)


async def test_no_channel_is_carried_after_the_carrier_is_removed(host: FakeHost) -> None:
    remove_carrier(TARGET)
    with grpc.insecure_channel(TARGET) as channel:
        assert not isinstance(channel, SyncChannel)


async def test_the_functions_are_replaced_once(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another package may wrap the replaced functions, and must not be removed."""
    wrapper: Any = object()
    monkeypatch.setattr(grpc, "insecure_channel", wrapper)
    carry_channels(host.send, TARGET)
    assert grpc.insecure_channel is wrapper


async def test_a_channel_uses_the_last_send_function(host: FakeHost) -> None:
    make: Any = TaskHubSidecarServiceStub
    stub = make(grpc.aio.insecure_channel(TARGET))
    other = FakeHost()
    other.responses["GetInstance"] = {"exists": True}
    carry_channels(other.send, TARGET)
    assert (await stub.GetInstance(GET)).exists
    assert host.requests == []


IMPORTS = """
import sys
import embedded_worker.runner, embedded_worker.process
print([name for name in ("grpc", "google.protobuf", "durabletask") if name in sys.modules])
"""


@pytest.mark.process
def test_the_worker_of_a_1x_app_imports_no_grpc() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(embedded_worker.__file__).parent.parent,
    )
    assert done.stdout == "[]\n", done.stderr
