"""A fake host whose channels are carried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from embedded_worker.sdk2.carried_channels import carry_channels
from embedded_worker.sdk2.carrier import remove_carrier
from tests.support.fake_host import FakeHost

TARGET = "127.0.0.1:7071"


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    """Return a fake host that carries the channels to ``TARGET``."""
    host = FakeHost()
    carry_channels(host.send, TARGET)
    yield host
    remove_carrier(TARGET)


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a thread and return its result, or fail after ten seconds."""
    return await asyncio.wait_for(asyncio.to_thread(work), 10)


def status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str | None]:
    """Return the status of an error."""
    return error.code(), error.details()
