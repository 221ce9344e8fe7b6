"""A pytest plugin that runs the tests of durabletask against ``embedded-host scheduler``.

The tests use the in-memory backend of durabletask. The plugin replaces it with a scheduler that
runs in another process, one for each port. Each test starts with an empty task hub. With
``SCHEDULER_PYTHON``, that interpreter runs the scheduler.

``python -m pytest -p scheduler_backend tests/durabletask``, in a copy of the tests outside the
repository of durabletask, and with the folder of this file in PYTHONPATH.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

import durabletask.testing
import durabletask.testing.in_memory_backend
import grpc
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub
from google.protobuf import empty_pb2

START_SECONDS = 30.0
_running: dict[int, SchedulerBackend] = {}


class SchedulerBackend:
    """A scheduler in another process."""

    def __init__(self, port: int) -> None:
        self._folder = tempfile.mkdtemp(prefix="scheduler-")
        command = [os.environ.get("SCHEDULER_PYTHON", sys.executable), "-m", "embedded_host"]
        options = ["--port", str(port), "--dashboard-port", "0", "--state", self._folder]
        self._log = open(os.path.join(self._folder, "log"), "wb")  # noqa: PTH118, PTH123, SIM115
        self._process = subprocess.Popen(
            [*command, "scheduler", *options], stdout=self._log, stderr=subprocess.STDOUT
        )
        atexit.register(self.close)
        self._channel = grpc.insecure_channel(f"localhost:{port}")
        make: Any = TaskHubSidecarServiceStub
        self._stub = make(self._channel)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._stub.Hello(empty_pb2.Empty(), timeout=1)
                return
            except grpc.RpcError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    with open(self._log.name, encoding="utf-8") as log:  # noqa: PTH123
                        raise RuntimeError(f"the scheduler did not start: {log.read()}") from None
                time.sleep(0.05)

    def stop(self, grace: float | None = None) -> None:
        """Do nothing: the next test of the module uses the same scheduler."""

    def reset(self) -> None:
        """Delete the task hub with its instances."""
        self._stub.DeleteTaskHub(pb.DeleteTaskHubRequest())

    def close(self) -> None:
        """End the process and delete its state folder."""
        self._channel.close()
        self._process.terminate()
        self._process.wait()
        self._log.close()
        if os.environ.get("SCHEDULER_LOGS"):
            with open(self._log.name, encoding="utf-8") as log:  # noqa: PTH123
                print(log.read())
        shutil.rmtree(self._folder, ignore_errors=True)


def create_scheduler(port: int = 50051, max_history_size: int = 10000) -> SchedulerBackend:
    """Return the scheduler at ``port``, as ``create_test_backend`` returns its backend."""
    if port not in _running:
        _running[port] = SchedulerBackend(port)
    return _running[port]


durabletask.testing.create_test_backend = create_scheduler  # type: ignore[assignment]
durabletask.testing.in_memory_backend.create_test_backend = create_scheduler  # type: ignore[assignment]
