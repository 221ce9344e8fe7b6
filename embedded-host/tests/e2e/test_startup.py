"""Tests of the start, and of its errors. Each error has a message and an exit code."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_host import cli
from embedded_host.workers.app_interpreter import EXECUTABLE_SETTING
from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.polling import eventually
from tests.support.running_host import RunningHost, command, environment, http


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.http("Greet", "def main(req): return 'hello'", "greet")
    app.activity("Echo", "return value")
    app.orchestrator("Hello", "return (yield context.call_activity('Echo', 'hello'))")
    return app


def refused(
    root: Path, *arguments: str, port: int = 0, code: int = 1, state: Path | None = None
) -> str:
    """Start a host that must fail, and return its output."""
    done = subprocess.run(
        command(root, state or root.parent / "state", *arguments, port=port),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        timeout=40,
    )
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert "Traceback" not in text
    assert text.strip()
    return text


HOSTILE = ("json.py", "secrets/__init__.py", "asyncio/__init__.py", "typing.py", "logging.py")


def test_modules_of_the_app_do_not_replace_those_of_the_host(
    app: AppFolder, tmp_path: Path
) -> None:
    """The working directory is the app folder, which ``python -m`` puts on ``sys.path``."""
    for name in HOSTILE:
        app.write(name, "raise ValueError('imported')")
    app.http("Own", "import json\ndef main(req): return json.dumps([1])", "own")
    with RunningHost(app.root, tmp_path / "state", cwd=app.root) as host:
        assert host.get("/api/own").status == 200
        assert host.run("Hello") == "hello"
        assert "[EH830]" in host.log
        assert "an import of 'json.py' (Own/__init__.py line 1)" in host.log


def test_a_folder_without_an_app_is_an_error(tmp_path: Path, app: AppFolder) -> None:
    text = refused(tmp_path)
    assert str(tmp_path) in text
    assert str(app.root) in text  # the message suggests the folder with an app
    assert "--script-root" in text


@pytest.mark.skipif(os.name == "nt", reason="there it is another program that is started")
def test_a_missing_python_of_the_worker_is_an_error(app: AppFolder) -> None:
    """A virtual environment that was moved has no Python at its path."""
    start = command(app.root, app.root.parent / "state")
    code = (
        "import runpy, sys; sys.executable = 'no-such-python'; "
        "runpy.run_module('embedded_host', run_name='__main__')"
    )
    done = subprocess.run(
        [start[0], "-c", code, *start[3:]],
        capture_output=True,
        text=True,
        env=environment(**{EXECUTABLE_SETTING: ""}),
        timeout=40,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "The host cannot start: a worker process (no-such-python) cannot be started: "
        in done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("mode", ["helpful", "strict"])
def test_a_host_with_an_invalid_host_json_is_in_error_until_it_is_corrected(
    app: AppFolder, tmp_path: Path, mode: str
) -> None:
    valid = (app.root / "host.json").read_text(encoding="utf-8")
    app.write("host.json", '{\n  "version": "2.0",\n  "extensions" {}\n}\n')
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(app.root, tmp_path / "state", "--parity", mode),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
    try:

        def printed(text: str) -> str | None:
            match = re.search(text + r" (http://localhost:\d+)", log.read_text(encoding="utf-8"))
            return match[1] if match else None

        url = eventually(lambda: printed("The host is in error at"), "the host is in error", 30)
        assert "host.json:3:16" in log.read_text(encoding="utf-8")
        assert (http("GET", f"{url}/api/greet").status, http("GET", url).status) == (503, 503)
        assert http("GET", f"{url}/admin/host/ping").status == 200
        status = http("GET", f"{url}/admin/host/status").json
        assert status["state"] == "Error"
        assert status["errors"][0].startswith("Unable to parse host configuration file")
        app.write("host.json", '{"version": "1.0"}')
        eventually(
            lambda: "'1.0' is an" in http("GET", f"{url}/admin/host/status").text, "it is read", 30
        )
        app.write("host.json", valid)
        assert eventually(lambda: printed("Ready at"), "the host is ready", 30) == url
        assert http("GET", f"{url}/api/greet").text == "hello"
        assert http("GET", f"{url}/admin/host/status").json["state"] == "Running"
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("mode", ["helpful", "strict"])
def test_an_invalid_route_puts_the_host_in_error_in_strict_mode(
    app: AppFolder, start_host: StartHost, mode: str
) -> None:
    app.http("Bad", "def main(req): return 'bad'", "/bad")
    host = start_host(app.root, "--parity", mode)
    assert host.get("/api/greet").status == (200 if mode == "helpful" else 503)
    assert host.get("/api/bad").status == 503
    status = host.get("/admin/host/status").json
    assert status["state"] == ("Running" if mode == "helpful" else "Error")
    assert "api//bad" in status["errors"][0]
    assert "[EH840]" in host.log
    app.http("Bad", "def main(req): return 'bad'", "bad")
    eventually(lambda: host.get("/api/bad").text == "bad", "the route is corrected", 30)
    assert host.end(host.start("Hello"))["output"] == "hello"


def test_a_port_in_use_is_an_error(app: AppFolder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = refused(app.root, port=port)
    assert f"Port {port} is in use" in text
    assert "--port" in text


def test_a_foreign_address_is_an_error(app: AppFolder) -> None:
    assert "192.0.2.1" in refused(app.root, "--address", "192.0.2.1", "--allow-anonymous-network")
    assert "no.such.name.invalid" in refused(app.root, "--address", "no.such.name.invalid")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_non_loopback_address_without_keys_is_an_error(app: AppFolder, address: str) -> None:
    text = refused(app.root, "--address", address)
    assert f"Other machines can reach {address}" in text
    assert "--auth" in text
    assert "--allow-anonymous-network" in text


def test_auth_and_allow_anonymous_network_exclude_each_other(app: AppFolder) -> None:
    assert "omit one of the options" in refused(
        app.root, "--auth", "--allow-anonymous-network", code=2
    )


def test_an_unreadable_key_file_is_an_error(app: AppFolder) -> None:
    state = app.root / "state"
    state.mkdir()
    (state / "keys.json").write_text("{")
    assert "keys.json cannot be read" in refused(app.root, "--auth", state=state)


def test_a_non_loopback_address_of_local_settings_is_an_error(app: AppFolder) -> None:
    app.write(
        "local.settings.json", '{"IsEncrypted": false, "Host": {"LocalHttpAddress": "0.0.0.0"}}'
    )
    text = refused(app.root, "--allow-anonymous-network")
    assert "local.settings.json: LocalHttpAddress is 0.0.0.0" in text
    assert "--address 0.0.0.0" in text


def test_allow_anonymous_network_listens_without_keys(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root, "--address", "0.0.0.0", "--allow-anonymous-network")
    assert "WARNING: the host listens on 0.0.0.0 without keys" in host.log
    assert host.get("/api/greet").status == 200


def test_the_host_is_reachable_at_localhost(app: AppFolder, start_host: StartHost) -> None:
    assert "WARNING" not in start_host(app.root, "--address", "localhost").log


def test_a_second_host_on_the_same_state_folder_is_an_error(
    app: AppFolder, start_host: StartHost
) -> None:
    first = start_host(app.root)
    text = refused(app.root, state=first.state)
    assert f"in use by the host with process id {first.process.pid}" in text
    assert "--state" in text
    assert first.get("/api/greet").status == 200
    first.kill()
    second = start_host(app.root)  # the lock is released when the host exits
    assert second.get("/api/greet").status == 200


def test_two_hosts_with_different_state_folders_run_at_once(
    app: AppFolder, start_host: StartHost, tmp_path: Path
) -> None:
    hosts = [start_host(app.root, state=tmp_path / name) for name in ("one", "two")]
    assert [host.run("Hello") for host in hosts] == ["hello", "hello"]


def test_a_state_file_of_another_version_is_an_error(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    assert host.stop() == 0
    file = host.state / "state.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 1000")
    connection.close()
    text = refused(app.root, state=host.state)
    assert str(file) in text
    assert "was written by another version of the embedded host" in text
    assert "1000" in text


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="needs a folder that may not be written to"
)
def test_an_unwritable_state_folder_is_an_error(app: AppFolder, tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir(mode=0o500)
    assert "--state" in refused(app.root, state=folder / "state")


def test_a_file_as_state_folder_is_an_error(app: AppFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "--state" in refused(app.root, state=tmp_path / "file" / "state")


@pytest.mark.parametrize("arguments", [["--nosuch"], ["--port", "70000"]])
def test_invalid_arguments_exit_with_code_2(app: AppFolder, arguments: list[str]) -> None:
    assert arguments[0] in refused(app.root, *arguments, code=2)


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 16, 0), (2, 7, 18)])
def test_an_unsupported_python_is_an_error(
    version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert cli.main() == 2
    text = capsys.readouterr().err
    assert "Python 3.10 to 3.15" in text
    assert f"this is Python {version[0]}.{version[1]}" in text
    assert sys.executable in text


def test_the_default_state_folder_is_in_the_app_folder(app: AppFolder) -> None:
    start = command(app.root, Path())
    at = start.index("--state")
    with subprocess.Popen(
        start[:at] + start[at + 2 :],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    ) as host:
        try:
            assert host.stdout is not None
            assert any("Ready" in line for line in host.stdout)
        finally:
            host.kill()
    assert (app.root / ".embedded-host").is_dir()


# -- invalid functions -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [[], ["--in-process"]])
def test_a_function_that_cannot_be_imported_is_disabled(
    app: AppFolder, start_host: StartHost, mode: list[str]
) -> None:
    app.http("Broken", "import no_such_thing\ndef main(req): return 'x'", "broken")
    app.function("BrokenActivity", "def main(wrong): ...", activity_trigger())
    app.orchestrator("CallsBroken", "return (yield context.call_activity('BrokenActivity', 1))")
    host = start_host(app.root, *mode)
    assert "Broken" in host.log
    assert "line 1: import no_such_thing" in host.log
    assert "No module named 'no_such_thing'" in host.log
    assert "declared in Python but not in function.json: {'wrong'}" in host.log
    before = len(host.log)
    response = host.get("/api/broken")
    assert response.status == 500
    assert "No module named 'no_such_thing'" in response.text
    assert "Function 'Broken' is out of service: " in host.log[before:]
    assert "no_such_thing" in host.log[before:]
    assert host.run("Hello") == "hello"
    status = host.end(host.start("CallsBroken"))
    assert status["runtimeStatus"] == "Failed"
    assert "declared in Python but not in function.json: {'wrong'}" in status["output"]


def test_an_invalid_function_json_disables_its_function(
    app: AppFolder, start_host: StartHost
) -> None:
    app.http("Broken", "def main(req): return 'x'", "broken")
    app.write(
        "Broken/function.json",
        '{\n  "bindings": [\n    {"name": "req" "type": "httpTrigger"}\n  ]\n}',
    )
    host = start_host(app.root)
    assert "Broken/function.json:3:20" in host.log
    assert host.get("/api/greet").text == "hello"


def test_a_missing_script_file_disables_its_function(app: AppFolder, start_host: StartHost) -> None:
    app.http("Broken", "def main(req): return 'x'", "broken")
    (app.root / "Broken" / "__init__.py").rename(app.root / "Broken" / "main.py")
    host = start_host(app.root)
    assert "Broken/function.json" in host.log
    assert "The 'Broken' function is in error: Invalid script file name" in host.log
    assert host.get("/api/broken").status == 404
    assert host.get("/api/greet").text == "hello"


def test_the_exception_of_a_function_is_logged(app: AppFolder, start_host: StartHost) -> None:
    app.http("Raises", "def main(req):\n    raise ValueError('blew up')\n", "raises")
    host = start_host(app.root)
    before = len(host.log)
    response = host.get("/api/raises")
    assert (response.status, response.text) == (500, "")
    logged = host.log[before:]
    assert "Function 'Raises' failed: ValueError: blew up" in logged
    assert "line 2, in main" in logged
    assert "embedded_host" not in logged
