"""Tests of the limits in host.json and in settings."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost, environment


def app_with(tmp_path: Path, **http_settings: int) -> AppFolder:
    app = AppFolder(tmp_path / "app", {"version": "2.0", "extensions": {"http": http_settings}})
    app.http(
        "Until",
        """
        import pathlib, time
        def main(req):
            began, over = map(pathlib.Path, req.get_body().decode().split("|"))
            began.touch()
            while not over.exists():
                time.sleep(0.01)
            return "over"
        """,
        "until",
    )
    return app


def open_request(host: RunningHost, began: Path, over: Path) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    connection.request("POST", "/api/until", f"{began}|{over}")
    return connection


def test_requests_above_max_concurrent_requests_wait(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(app_with(tmp_path, maxConcurrentRequests=1).root)
    first, second, over = tmp_path / "first", tmp_path / "second", tmp_path / "over"
    with closing(open_request(host, first, over)) as one:
        eventually(first.exists, "the first one runs")
        with closing(open_request(host, second, over)) as two:
            assert host.get("/admin/host/ping").status == 200
            assert not second.exists()
            over.touch()
            assert [connection.getresponse().read() for connection in (one, two)] == [
                b"over",
                b"over",
            ]
    assert second.exists()


def test_the_setting_limits_the_size_of_request_bodies(
    start_host: StartHost, tmp_path: Path
) -> None:
    app = app_with(tmp_path)
    app.http("Length", "def main(req): return str(len(req.get_body()))", "length")
    host = start_host(app.root, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="2000000")
    assert host.post("/api/length", b"x" * 2_000_000).text == "2000000"
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)
    with closing(connection):
        connection.putrequest("POST", "/api/length")
        connection.putheader("Content-Length", "2000001")
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection")) == (500, "close")
        assert b"The max request body size is 2000000 bytes." in response.read()


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no limit of open files that a process could raise"
)
def test_the_host_raises_its_limit_of_open_files() -> None:
    code = """
        import json, resource
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        from embedded_host.host_process import raise_file_limit
        raise_file_limit()
        print(json.dumps([*resource.getrlimit(resource.RLIMIT_NOFILE), hard]))
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", lines], env=environment(), capture_output=True, text=True, check=True
    )
    soft, hard, before = json.loads(done.stdout)
    assert hard == before
    assert soft > 256
