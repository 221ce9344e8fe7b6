"""Tests of a scheduler in its own process, with the real worker and client of durabletask."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.scheduler import kit
from tests.support.polling import eventually

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kit.SchedulerProcess]:
    with kit.SchedulerProcess(tmp_path_factory.mktemp("scheduler") / "state") as scheduler:
        yield scheduler


def test_the_output_contains_the_arguments_of_a_worker(scheduler: kit.SchedulerProcess) -> None:
    output = scheduler.output
    assert f"State: {scheduler.state}" in output
    assert f"Dashboard: http://localhost:{scheduler.dashboard_port}" in output
    assert f'host_address="http://localhost:{scheduler.port}", secure_channel=False' in output
    assert f"Ready at http://localhost:{scheduler.port}" in output


def test_workers_run_orchestrations(scheduler: kit.SchedulerProcess) -> None:
    with kit.working(scheduler.address):
        hub = kit.durable_client(scheduler.address)
        for number, (orchestrator, input, expected) in enumerate(kit.CASES):
            id = f"case-{number}"
            assert kit.started(hub, orchestrator, input, id)
            found = eventually(lambda id=id: kit.result(hub, id), id)  # type: ignore[misc]
            assert found == ("completed", expected)


def test_a_recursive_termination_ends_the_children(scheduler: kit.SchedulerProcess) -> None:
    def outer(ctx: Any, _: Any) -> Any:
        return (yield ctx.call_sub_orchestrator(kit.waiting, instance_id="inner"))

    with kit.working(scheduler.address) as worker:
        worker.stop()
        worker.add_orchestrator(outer)
        worker.start()
        hub = kit.durable_client(scheduler.address)
        hub.schedule_new_orchestration(outer, instance_id="outer")
        eventually(lambda: hub.get_orchestration_state("inner"), "the child exists")
        hub.terminate_orchestration("outer", recursive=True)
        state = hub.wait_for_orchestration_completion("inner", timeout=20)
        assert state is not None
        assert state.runtime_status.name == "TERMINATED"
        assert hub.purge_orchestration("outer", recursive=True).deleted_instance_count == 2


def test_the_dashboard_shows_the_instances(scheduler: kit.SchedulerProcess) -> None:
    kit.durable_client(scheduler.address).schedule_new_orchestration("Later", instance_id="later")
    url = f"http://localhost:{scheduler.dashboard_port}/default/dashboard/api/instance?id=later"
    with urllib.request.urlopen(url) as response:
        assert json.load(response)["name"] == "Later"


def test_a_port_in_use_is_reported(scheduler: kit.SchedulerProcess, tmp_path: Path) -> None:
    other = kit.SchedulerProcess(tmp_path / "state")
    other.port = scheduler.port
    with pytest.raises(AssertionError, match=r"choose another port with --port\. \[EH201\]"):
        other.start()


def test_a_state_folder_in_use_is_reported(scheduler: kit.SchedulerProcess) -> None:
    other = kit.SchedulerProcess(scheduler.state)
    other._log = scheduler.state.with_name("other.log")
    with pytest.raises(AssertionError, match="EH211"):
        other.start()


def test_calls_need_the_token(tmp_path: Path) -> None:
    with kit.SchedulerProcess(tmp_path / "state", "--token", "secret") as scheduler:
        hub = kit.durable_client(scheduler.address)
        with pytest.raises(grpc.RpcError) as raised:
            hub.schedule_new_orchestration("O")
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "example.com"}],
)
def test_requests_of_pages_of_other_sites_are_refused(
    scheduler: kit.SchedulerProcess, headers: dict[str, str]
) -> None:
    path = "/default/runtime/webhooks/durabletask/instances/i"
    url = f"http://localhost:{scheduler.dashboard_port}{path}"
    for method, suffix in (("GET", ""), ("POST", "/terminate")):
        request = urllib.request.Request(url + suffix, headers=headers, method=method)
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert raised.value.code == 403
        raised.value.close()


def test_a_signal_stops_the_scheduler(tmp_path: Path) -> None:
    with kit.SchedulerProcess(tmp_path / "state") as scheduler, kit.working(scheduler.address):
        assert scheduler.stop() == 0
        assert "Stopping." in scheduler.output
