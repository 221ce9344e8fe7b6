"""The parity findings of an app for SDK 2.x, which uses each function that fails on Azure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.test_sdk2_features import call, error, status_of
from tests.support.polling import eventually
from tests.support.running_host import RunningHost
from tests.support.sdk2 import NEEDS_SDK_2
from tests.support.sdk2_features import sdk2_features_app

pytestmark = NEEDS_SDK_2


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Yield a host with the default setting for the order of messages to entities."""
    yield from run_host(tmp_path_factory.mktemp("parity"))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Yield a host in which the functions with findings fail."""
    yield from run_host(tmp_path_factory.mktemp("strict"), "--parity", "strict")


def run_host(folder: Path, *options: str) -> Iterator[RunningHost]:
    app, state = sdk2_features_app(folder / "app"), folder / "state"
    durable_task = {"entityMessageReorderWindowInMinutes": 30, "maxGrpcMessageSizeInBytes": 2000}
    host_json = {"version": "2.0", "extensions": {"durableTask": durable_task}}
    (app.root / "host.json").write_text(json.dumps(host_json), encoding="utf-8")
    with RunningHost(app.root, state, *options, FEATURES_FOLDER=str(folder)) as host:
        yield host
        assert host.stop() == 0, host.log


def findings(host: RunningHost, code: str) -> list[str]:
    """Return the logged findings with this code."""
    return re.findall(rf"On the Azure Functions host, (.*) \[{code}\]", host.log)


def finding_of(host: RunningHost, code: str, function: str) -> str:
    """Wait for the finding of a function, and return its text."""

    def found() -> str | None:
        texts = [text for text in findings(host, code) if f"'{function}'" in text]
        assert len(texts) < 2, texts
        return texts[0] if texts else None

    return eventually(found, f"the finding {code} of '{function}' is logged") or ""


def line_of(host: RunningHost, file: str, text: str) -> int:
    """Return the number of the line that starts a definition, with its decorators."""
    lines = (host.root / file).read_text(encoding="utf-8").splitlines()
    return 1 + next(n for n, line in enumerate(lines) if line.startswith(text))


def test_an_invalid_binding_name_is_reported_at_load(host: RunningHost) -> None:
    line = line_of(host, "native.py", '@native.orchestration_trigger(context_name="context")')
    text = finding_of(host, "EH801", "named_context")
    assert f"'named_context' (native.py line {line})" in text
    assert len(findings(host, "EH801")) == 1
    assert 'Write context_name="ctx"' in text
    assert not any("BuiltIn__" in text or "Schedule" in text for text in findings(host, "EH801"))


@pytest.mark.parametrize(
    ("code", "function"),
    [("EH803", "execute_schedule_operation_orchestrator"), ("EH804", "export_job_orchestrator")],
)
def test_the_functions_of_the_sdk_are_reported_at_load(
    host: RunningHost, code: str, function: str
) -> None:
    assert finding_of(host, code, function)
    assert len(findings(host, code)) == 1


def test_call_http_is_reported_at_its_first_use(host: RunningHost) -> None:
    assert not findings(host, "EH802")
    for _ in range(2):
        assert host.run("old_call_http", f"{host.base}/api/greet?name=Bob") == [200, "hello Bob"]
    assert "(compatible.py line " in finding_of(host, "EH802", "old_call_http")


def test_entity_calls_and_locks_are_reported_for_each_orchestrator(host: RunningHost) -> None:
    assert not findings(host, "EH805")
    host.run("signals_later", uuid4().hex)
    assert not findings(host, "EH805")
    for _ in range(2):
        host.run("counts")
    finding_of(host, "EH805", "counts")
    host.run("locks_and_counts", uuid4().hex)
    assert "entityMessageReorderWindowInMinutes to 0" in finding_of(
        host, "EH805", "locks_and_counts"
    )


def test_newer_versions_of_instances_and_children_are_reported(host: RunningHost) -> None:
    id = call(host, "schedule_new_orchestration", name="versions", version="1.2")
    call(host, "wait_for_orchestration_completion", id=id, timeout=20)
    finding_of(host, "EH806", "versions")
    finding_of(host, "EH806", "reports_version")


def test_recursive_operations_are_reported(host: RunningHost) -> None:
    links = host.start("parent_of_waiting", 1)
    id, child = links["id"], f"{links['id']}-c"
    eventually(lambda: status_of(host, child) == "RUNNING", "the child runs")
    call(host, "terminate_orchestration", id=id)
    for one in (id, child):
        call(host, "wait_for_orchestration_completion", id=one, timeout=20)
    assert "continue" in finding_of(host, "EH807", "parent_of_waiting")
    assert not findings(host, "EH808")
    assert call(host, "purge_orchestration", id=id) == 2
    assert "remain" in finding_of(host, "EH808", "parent_of_waiting")


def test_large_messages_are_reported(host: RunningHost) -> None:
    assert not findings(host, "EH810")
    id = call(host, "schedule_new_orchestration", name="named_context", input="y" * 3000)
    done = call(host, "wait_for_orchestration_completion", id=id, timeout=20)
    assert done["output"] == "y" * 3000
    finding_of(host, "EH810", "named_context")


def test_a_finding_is_not_repeated_by_later_instances(host: RunningHost) -> None:
    logged = partial(re.findall, r"On the Azure Functions host, .*?'(\w+)'.* \[(EH8\d\d)\]")
    assert len(set(logged(host.log))) == len(logged(host.log))


# -- strict mode -----------------------------------------------------------------------------------


def failed(host: RunningHost, name: str, input: object = None) -> str:
    """Run an orchestration that an exception of the Durable extension ends. Return its details."""
    status = host.end(host.start(name, input))
    assert status["runtimeStatus"] == "Failed"
    assert status["output"]["message"] == f"Function '{name}' failed with an unhandled exception."
    details: str = status["output"]["details"]
    return details


def test_functions_with_an_invalid_binding_name_do_not_exist(strict: RunningHost) -> None:
    for code, function in (("EH801", "named_context"), ("EH804", "export_job_orchestrator")):
        assert finding_of(strict, code, function)
        assert f"The '{function}' function is in error: The binding name" in strict.log
    assert "BuiltIn__" not in strict.log
    listed = strict.get("/admin/functions").json
    assert "named_context" not in [function["name"] for function in listed]


def test_call_http_fails_in_strict_mode(strict: RunningHost) -> None:
    details = failed(strict, "old_call_http", f"{strict.base}/api/greet?name=Bob")
    assert "'BuiltIn__HttpPollOrchestrator' doesn't exist" in details
    assert finding_of(strict, "EH802", "old_call_http")
    assert not findings(strict, "EH889")


def test_entity_calls_return_in_strict_mode_too(strict: RunningHost) -> None:
    strict.run("counts")
    assert finding_of(strict, "EH805", "counts")


def test_recursive_operations_have_no_effect_on_children_in_strict_mode(
    strict: RunningHost,
) -> None:
    links = strict.start("parent_of_waiting", 1)
    id, child = links["id"], f"{links['id']}-c"
    eventually(lambda: status_of(strict, child) == "RUNNING", "the child runs")
    call(strict, "terminate_orchestration", id=id)
    call(strict, "wait_for_orchestration_completion", id=id, timeout=20)
    assert finding_of(strict, "EH807", "parent_of_waiting")
    assert status_of(strict, child) == "RUNNING"
    call(strict, "terminate_orchestration", id=child)
    call(strict, "wait_for_orchestration_completion", id=child, timeout=20)
    assert call(strict, "purge_orchestration", id=id) == 1
    assert finding_of(strict, "EH808", "parent_of_waiting")
    assert status_of(strict, child) == "TERMINATED"


def test_large_messages_are_refused_in_strict_mode(strict: RunningHost) -> None:
    code, message = error(strict, "schedule_new_orchestration", name="chain", input="y" * 3000)
    assert code == "RESOURCE_EXHAUSTED"
    assert "exceeds the maximum message size of 2000 bytes" in message
