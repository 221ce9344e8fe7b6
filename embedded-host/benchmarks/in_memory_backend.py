"""The benchmark of durabletask's in-memory backend, with its client and worker in one process.

The app's interpreter with SDK 2.x runs this script: ``python in_memory_backend.py SIZES``, with the
sizes as JSON. It prints the figures in the format of a peer (``peers.py``) as one line of JSON.
The backend is for tests, and stores nothing on a disk.
"""

from __future__ import annotations

import json
import logging
import platform
import socket
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from durabletask import task
from durabletask.client import OrchestrationStatus, TaskHubGrpcClient
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker

CLIENTS = 4
"""Maximum number of concurrent clients.

The gRPC server of the backend has 10 threads. A waiting client and the stream of the worker occupy
one each. With more clients than threads, nothing completes.
"""


def hello_activity(ctx: task.ActivityContext, name: str) -> str:
    """Return a greeting with the operating system's name."""
    return f"Hello {name}! from {platform.system()} operating system"


def hello(ctx: task.OrchestrationContext, _: Any) -> Any:
    """Return the greeting of World."""
    return (yield ctx.call_activity(hello_activity, input="World"))


def fan_out(ctx: task.OrchestrationContext, count: int) -> Any:
    """Run activities in parallel, and return the number of results."""
    calls: list[Any] = [
        ctx.call_activity(hello_activity, input=str(number)) for number in range(count)
    ]
    return len((yield task.when_all(calls)))


def chain(ctx: task.OrchestrationContext, count: int) -> Any:
    """Run activities in sequence, and return the number of results."""
    for number in range(count):
        yield ctx.call_activity(hello_activity, input=str(number))
    return count


def main() -> None:
    """Measure, and print the figures."""
    sizes = json.loads(sys.argv[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    backend = create_test_backend(port=port, max_history_size=1_000_000)
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.WARNING)
    worker = TaskHubGrpcWorker(host_address=f"localhost:{port}", logger=logger)
    for orchestrator in (hello, fan_out, chain):
        worker.add_orchestrator(orchestrator)
    worker.add_activity(hello_activity)
    worker.start()  # type: ignore[no-untyped-call]
    client = TaskHubGrpcClient(host_address=f"localhost:{port}", logger=logger)

    def run(orchestrator: Any, count: int | None = None) -> float:
        start = time.perf_counter()
        instance_id = client.schedule_new_orchestration(orchestrator, input=count)
        state = client.wait_for_orchestration_completion(instance_id, timeout=300)
        if state is None or state.runtime_status is not OrchestrationStatus.COMPLETED:
            raise RuntimeError(f"{orchestrator.__name__} did not complete: {state}")
        return time.perf_counter() - start

    run(hello)
    figures: dict[str, Any] = {"cold_start_s": {"median": time.perf_counter() - began}}
    warm = sorted(run(hello) * 1000 for _ in range(sizes["warm"]))
    figures["warm_ms"] = {"p50": statistics.median(warm), "p95": warm[len(warm) * 95 // 100 - 1]}
    start, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(min(sizes["clients"], CLIENTS)) as clients:
        list(clients.map(lambda _: run(hello), range(sizes["throughput"])))
    figures["throughput_wf_s"] = {
        "median": sizes["throughput"] / (time.perf_counter() - start),
        "stack_cpu_ms_per_wf": (time.process_time() - cpu) / sizes["throughput"] * 1000,
    }
    for count in sizes["fan_out"]:
        figures[f"fanout_{count}_s"] = {"median": run(fan_out, count)}
    figures["chain_ms_per_step"] = {
        str(count): run(chain, count) / count * 1000 for count in sizes["chain"]
    }
    if sys.platform != "win32":
        import resource

        figures["rss_after_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    client.close()
    worker.stop()  # type: ignore[no-untyped-call]
    backend.stop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
