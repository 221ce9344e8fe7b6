"""An app for SDK 1.x pays nothing for SDK 2.x: no import in any process, and no other port."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder

ONLY_FOR_2X = (
    "grpc",
    "google.protobuf",
    "durabletask",
    "embedded_worker.sdk2",
    "embedded_host.sidecar",
)
_SITE = """
import json, os, pathlib, sys

leave = os._exit

def write_and_leave(code):
    pathlib.Path(os.environ["MODULES_FILE"]).write_text(json.dumps(sorted(sys.modules)))
    leave(code)

if "embedded_host" in sys.orig_argv:  # the host, which ends with os._exit, and not a worker
    os._exit = write_and_leave
"""
_REPORT = """
import json, sys

def main(req):
    return json.dumps(sorted(sys.modules))
"""


def _only_for_2x(modules: list[str]) -> list[str]:
    return [
        module
        for module in modules
        if any(module == name or module.startswith(f"{name}.") for name in ONLY_FOR_2X)
    ]


def _ports(process: psutil.Process) -> set[int]:
    return {
        connection.laddr.port
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_an_app_for_sdk_1_imports_nothing_of_sdk_2_and_opens_no_other_port(
    tmp_path: Path, start_host: StartHost
) -> None:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.counter()
    app.http("Report", _REPORT, "report")
    app.activity("Echo", "return value")
    app.orchestrator(
        "Hello",
        "yield context.call_entity(df.EntityId('Counter', 'k'), 'add', 1)\n"
        "return (yield context.call_activity('Echo', 'hello'))",
    )
    modules_file, site = tmp_path / "modules.json", tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    host = start_host(app.root, PYTHONPATH=path, MODULES_FILE=str(modules_file))
    assert host.run("Hello") == "hello"
    assert host.get("/runtime/webhooks/durabletask/instances").status == 200
    process = psutil.Process(host.process.pid)
    public, sdk = {host.port}, _ports(process) - {host.port}
    assert _ports(process) >= public
    assert len(sdk) == 1, "the endpoint of SDK 1.x, which existed before SDK 2.x"
    assert [_ports(worker) for worker in host.workers] == [set() for _ in host.workers]
    worker_modules = json.loads(host.get("/api/report").text)
    assert "azure.durable_functions" in worker_modules
    assert _only_for_2x(worker_modules) == []
    assert host.stop() == 0
    host_modules = json.loads(modules_file.read_text(encoding="utf-8"))
    assert "embedded_host.task_hub.hub" in host_modules
    assert _only_for_2x(host_modules) == []
