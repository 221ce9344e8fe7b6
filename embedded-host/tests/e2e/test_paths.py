"""Tests that no response contains an absolute path or a file of the app."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.running_host import MANAGEMENT, RunningHost

SECRET = "a-folder-of-the-users"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    root = tmp_path_factory.mktemp(SECRET) / "app"
    app = AppFolder(root)
    app.starter()
    app.http("Missing", "import nosuchmodule\ndef main(req): return 'x'", "missing")
    app.http("Syntax", "def main(req:\n", "syntax")
    app.http("Raises", "def main(req): raise ValueError('no')", "raises")
    app.http("Five", "def main(req): return 5", "five")
    app.activity("Fail", "import json\njson.loads('{')")
    app.function("Broken", "import nosuchmodule\ndef main(value): pass", activity_trigger())
    app.orchestrator("CallsFail", "yield context.call_activity('Fail', 1)")
    app.orchestrator("CallsBroken", "yield context.call_activity('Broken', 1)")
    app.orchestrator("CallsParent", "yield context.call_sub_orchestrator('CallsFail')")
    app.orchestrator(
        "FailsItself", "yield context.call_activity('Nothing', 1)\nraise KeyError('k')"
    )
    app.orchestrator("YieldsAList", "yield [1]")
    app.write("BadJson/function.json", "{")
    with RunningHost(root, root.parent / "state") as host:
        yield host


pytestmark = pytest.mark.xdist_group("paths")


def absolute_paths(text: str) -> list[str]:
    """Return the absolute paths of the app, the environment and the interpreter in a string."""
    return re.findall(
        rf".{{0,80}}(?:{SECRET}|site-packages|(?<!\.venv)[\\/]s?bin[\\/]|[\\/]lib[\\/]python).{{0,80}}",
        text,
    )


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/api/missing",
            "/api/syntax",
            "/api/raises",
            "/api/five",
            "/api/BadJson",
            "/api/nothing",
            "/",
            "/nothing",
        ),
        *(
            "/admin/host/status",
            "/admin/functions",
            "/admin/functions/Missing",
            "/admin/functions/Missing/status",
        ),
        *(
            "/dashboard",
            "/dashboard/api/functions?calls=1",
            "/dashboard/api/instances?counts=1",
            "/dashboard/api/host",
            "/dashboard/api/logs",
            "/dashboard/api/x",
        ),
        *(f"{MANAGEMENT}/instances", f"{MANAGEMENT}/instances/%00", f"{MANAGEMENT}/entities"),
    ],
)
def test_responses_contain_no_absolute_path(host: RunningHost, path: str) -> None:
    for method in ("GET", "POST"):
        response = host.request(method, path)
        assert not absolute_paths(f"{response.text}\n{response.headers}")


@pytest.mark.parametrize(
    "name", ["CallsFail", "CallsBroken", "CallsParent", "FailsItself", "YieldsAList"]
)
def test_stack_traces_have_paths_relative_to_the_app_folder(host: RunningHost, name: str) -> None:
    links = host.start(name)
    assert host.end(links)["runtimeStatus"] == "Failed"
    whole = host.get(links["statusQueryGetUri"] + "&showHistory=true&showHistoryOutput=true").text
    assert not absolute_paths(whole)
    assert not absolute_paths(host.get(f"/dashboard/api/instance?id={links['id']}").text)
    if name == "CallsFail":
        assert r"File \"Fail/__init__.py\", line 3, in main" in whole
        assert 'File "Fail/__init__.py", line 3, in main' in host.log


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/../dashboard.py",
        "/dashboard/../../http/server.py",
        "/dashboard/%2e%2e/dashboard.py",
        "/dashboard/..%2fdashboard.py",
        "/dashboard/..%5cdashboard.py",
        "/dashboard/static/../../dashboard.py",
        "/dashboard/index.html%00.js",
        "/dashboard//etc/passwd",
        "/dashboard/C:/Windows/win.ini",
        "/../../../../etc/passwd",
        "/admin/vfs/app/host.json",
        "/host.json",
        "/local.settings.json",
        "/api/../local.settings.json",
        "/.embedded-host/keys.json",
    ],
)
def test_the_host_serves_no_files_of_the_app(host: RunningHost, path: str) -> None:
    """Send the path unchanged, because HTTP clients normalize paths."""
    with socket.create_connection(("127.0.0.1", host.port), 10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        response = b""
        while part := raw.recv(65536):
            response += part
    status, body = response.split(b" ", 2)[1], response.partition(b"\r\n\r\n")[2]
    assert status == b"404"
    assert body in (b"", b"The dashboard has no such page. [EH337]")
