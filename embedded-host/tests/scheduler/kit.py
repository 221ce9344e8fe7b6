"""A scheduler in a separate process, and a worker with orchestrators whose results are known."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from durabletask import client, entities, task, worker
from durabletask.grpc_options import GrpcWorkerResiliencyOptions

from tests.support.polling import eventually

SILENT = logging.getLogger("tests.durabletask")
SILENT.setLevel(logging.CRITICAL)


class SchedulerProcess:
    """The command ``embedded-host scheduler``."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state, self._options = state, options
        self.port, self.dashboard_port = free_port(), free_port()
        self._log = state.with_name(f"{state.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def start(self) -> None:
        """Start the scheduler and wait until it is ready."""
        before = self.output.count("Ready at ")
        ports = ["--port", str(self.port), "--dashboard-port", str(self.dashboard_port)]
        command = [sys.executable, "-m", "embedded_host", "scheduler", "--state", str(self.state)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *ports, *self._options],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(os.environ),
            )

        def is_ready() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"the scheduler did not start: {self.output}")
            return self.output.count("Ready at ") > before

        eventually(is_ready, "the scheduler is ready")

    def kill(self) -> None:
        """End the process as ``kill -9`` does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End the process as Ctrl+C does, and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait()

    def __enter__(self) -> SchedulerProcess:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# -- the worker ------------------------------------------------------------------------------------


Steps = Generator[Any, Any, Any]


def double(_: task.ActivityContext, number: int) -> int:
    return 2 * number


def chain(ctx: task.OrchestrationContext, steps: int) -> Steps:
    value = 1
    for _ in range(steps):
        value = yield ctx.call_activity(double, input=value)
    return value


def fan_out(ctx: task.OrchestrationContext, width: int) -> Steps:
    calls: list[Any] = [ctx.call_activity(double, input=n) for n in range(width)]
    results = yield task.when_all(calls)
    return sum(results)


def pause(ctx: task.OrchestrationContext, milliseconds: int) -> Steps:
    yield ctx.create_timer(timedelta(milliseconds=milliseconds))
    return milliseconds


def count_down(ctx: task.OrchestrationContext, count: int) -> Steps:
    yield ctx.call_activity(double, input=count)
    if count:
        ctx.continue_as_new(count - 1)
    return "done"


def parent(ctx: task.OrchestrationContext, count: int) -> Steps:
    children: list[Any] = [ctx.call_sub_orchestrator(chain, input=n) for n in range(count)]
    return (yield task.when_all(children))


def waiting(ctx: task.OrchestrationContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def add_twice(ctx: task.OrchestrationContext, key: str) -> Steps:
    """Read and write a counter in a critical section, so that no other instance interferes."""
    counter_id = entities.EntityInstanceId("counter", key)
    with (yield ctx.lock_entities([counter_id])):
        before = yield ctx.call_entity(counter_id, "get")
        yield ctx.call_entity(counter_id, "add", 1)
        after = yield ctx.call_entity(counter_id, "add", 1)
    return after - before


class Counter(entities.DurableEntity):
    """A number."""

    def add(self, number: int) -> int:
        value: int = self.get_state(int, 0) + number
        self.set_state(value)
        return value

    def get(self, _: Any = None) -> int:
        return self.get_state(int, 0)


@contextmanager
def working(address: str, **options: Any) -> Iterator[Any]:
    """Run a worker with all functions."""
    with worker.TaskHubGrpcWorker(
        host_address=address,
        logger=SILENT,
        resiliency_options=GrpcWorkerResiliencyOptions(
            reconnect_backoff_base_seconds=0.1, reconnect_backoff_cap_seconds=0.5
        ),
        **options,
    ) as running:
        for orchestrator in (chain, fan_out, pause, count_down, parent, waiting, add_twice):
            running.add_orchestrator(orchestrator)
        running.add_activity(double)
        running.add_entity(Counter)
        start: Any = running.start
        start()
        yield running


CASES: tuple[tuple[Any, Any, Any], ...] = (
    (chain, 8, 256),
    (fan_out, 12, 132),
    (pause, 700, 700),
    (count_down, 4, "done"),
    (parent, 4, [1, 2, 4, 8]),
    (add_twice, "k", 2),
)
"""Orchestrator, input and result."""


def durable_client(address: str) -> client.TaskHubGrpcClient:
    return client.TaskHubGrpcClient(host_address=address, logger=SILENT)


def started(hub: client.TaskHubGrpcClient, orchestrator: Any, input: object, id: str) -> bool:
    """Start an instance, unless it exists. Return False if the scheduler is not reachable."""
    try:
        if hub.get_orchestration_state(id) is None:
            hub.schedule_new_orchestration(orchestrator, input=input, instance_id=id)
    except grpc.RpcError as error:
        code = error.code()
        if code is grpc.StatusCode.ALREADY_EXISTS:
            return True
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return False
        raise
    return True


def result(hub: client.TaskHubGrpcClient, id: str) -> Any:
    """Return the status and the result of an instance, or None while it runs."""
    try:
        state = hub.get_orchestration_state(id)
    except grpc.RpcError:
        return None
    if state is None:
        return ("lost", None)
    if state.runtime_status.name != "COMPLETED":
        return None if state.failure_details is None else ("failed", state.failure_details.message)
    output = state.serialized_output
    return ("completed", None if output is None else json.loads(output))
