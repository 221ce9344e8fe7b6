"""Tests of ``--auth`` over sockets and processes.

They check which requests require keys, which clients send keys, and that no key is exposed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded_host.access_keys.key_file import DEFAULT, DURABLE, AccessKeys, KeyFile, Scope
from tests.cli.calling import call
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder, activity_trigger, http_trigger
from tests.support.running_host import MANAGEMENT, HttpReply, RunningHost, http

LOGS_KEYS = """
import logging

import azure.functions as func


def main(req, starter: str):
    logging.info("url %s, headers %s", req.url, dict(req.headers))
    logging.warning("binding %s", starter)
    if "fail" in req.params:
        raise ValueError(f"{req.url} is too much")
    return func.HttpResponse("logged")
"""
CLIENT_CALLS = """
import azure.durable_functions as df
import azure.functions as func


async def main(req, starter: str):
    client = df.DurableOrchestrationClient(starter)
    id = await client.start_new("Wait", "by-client")
    status = await client.get_status(id)
    await client.terminate(id, "enough")
    return func.HttpResponse(str(status.instance_id))
"""


def keyed_app(root: Path) -> AppFolder:
    app = AppFolder(root)
    app.starter()
    app.orchestrator("Hello", "return (yield context.call_activity('Echo', 'hello'))")
    app.orchestrator("Wait", "return (yield context.wait_for_external_event('Go'))")
    app.function("Echo", "def main(value): return value", activity_trigger())
    for level in ("function", "admin"):
        greet = f"def main(req): return 'hello from {level}'"
        app.function(
            f"Greet{level}", greet, http_trigger(f"only-{level}", authLevel=level), HTTP_OUT
        )
    app.function(
        "LogsKeys", LOGS_KEYS, http_trigger("logs-keys", authLevel="function"), HTTP_OUT, CLIENT
    )
    app.function("Client", CLIENT_CALLS, http_trigger("client"), HTTP_OUT, CLIENT)
    return app


@dataclass
class Keyed:
    host: RunningHost
    file: KeyFile
    seen: list[HttpReply] = field(default_factory=list)

    @property
    def keys(self) -> AccessKeys:
        return self.file.keys()

    def request(self, method: str, path: str, key: str | None = None, **headers: str) -> HttpReply:
        if key is not None:
            headers["x-functions-key"] = key
        response = http(
            method, path if path.startswith("http") else self.host.base + path, None, headers
        )
        self.seen.append(response)
        return response


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    root = tmp_path_factory.mktemp("keys") / "app"
    state = keyed_app(root).root / ".embedded-host"
    with RunningHost(root, state, "--auth", "--verbose") as host:
        yield Keyed(host, KeyFile(state))
        assert host.stop() == 0, host.log


pytestmark = pytest.mark.xdist_group("keys")


def test_functions_require_the_keys_of_their_access_level(keyed: Keyed) -> None:
    keys = keyed.keys
    own = keyed.file.of_function("Greetfunction")[DEFAULT]
    for path, opened_by in (
        ("/api/only-function", (keys.master, keys.host[DEFAULT], own)),
        ("/api/only-admin", (keys.master,)),
    ):
        for key in (keys.master, keys.host[DEFAULT], own, keys.system[DURABLE], "wrong", None):
            for response in (
                keyed.request("GET", path, key),
                keyed.request("GET", f"{path}?code={key or ''}"),
            ):
                assert response.status == (200 if key in opened_by else 401), (path, key)
                if key not in opened_by:
                    assert response.text == ""
                    assert "www-authenticate" not in response.headers


def test_the_links_of_an_instance_carry_the_system_key_and_work(keyed: Keyed) -> None:
    response = keyed.request("POST", "/api/start/Hello")
    assert response.status == 202
    links = response.json
    for name, url in links.items():
        assert name == "id" or url.endswith(f"&code={keyed.keys.system[DURABLE]}")
    assert keyed.host.end(links)["output"] == "hello"
    assert keyed.request("DELETE", links["purgeHistoryDeleteUri"]).status == 200
    restarted = keyed.request(
        "POST", keyed.request("POST", "/api/start/Hello").json["restartPostUri"]
    )
    assert restarted.json["statusQueryGetUri"].endswith(f"&code={keyed.keys.system[DURABLE]}")


@pytest.mark.parametrize(
    "path", [f"{MANAGEMENT}/instances", f"{MANAGEMENT}/nothing", MANAGEMENT, MANAGEMENT.upper()]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_the_management_api_requires_the_system_key(keyed: Keyed, method: str, path: str) -> None:
    keys = keyed.keys
    for wrong in (None, "wrong", ""):
        response = keyed.request(method, path, wrong)
        assert (response.status, response.text, response.headers["www-authenticate"]) == (
            401,
            "",
            "Bearer",
        )
    assert keyed.request(method, path, keys.host[DEFAULT]).status == 403
    for right in (keys.system[DURABLE], keys.master):
        assert keyed.request(method, path, right).status not in (401, 403)


def test_the_dashboard_requires_a_key(keyed: Keyed) -> None:
    assert keyed.request("GET", "/dashboard").status == 200
    for path in (
        "/dashboard/api/instances",
        "/dashboard//api/instances",
        "/dashboard/api/functions",
        "/Dashboard/API/events",
    ):
        assert keyed.request("GET", path).status == 401
        assert keyed.request("GET", path, keyed.keys.host[DEFAULT]).status == 403
    assert (
        keyed.request("GET", "/dashboard/api/instances", keyed.keys.system[DURABLE]).status == 200
    )
    assert (
        "Greetfunction" not in keyed.request("GET", "/").text
    )  # the home page does not list the functions


def test_a_durable_client_in_a_function_needs_no_key(keyed: Keyed) -> None:
    assert keyed.request("GET", "/api/client").text == "by-client"


def test_commands_on_the_same_machine_find_the_key(keyed: Keyed, tmp_path: Path) -> None:
    where: list[Any] = ["--url", keyed.host.base, "--script-root", keyed.host.root]
    for command in (
        ["get-instances"],
        ["functions", "list"],
        ["start-new", "--function-name", "Hello"],
    ):
        called = call(*command, *where)
        assert called.code == 0, called
        assert f"Key: the master key in {keyed.file.path}" in called.err
        assert keyed.keys.master not in called.out + called.err
    given = call("get-instances", *where, "--code", keyed.keys.system[DURABLE])
    assert given.code == 0
    assert "Key:" not in given.err
    elsewhere = call("get-instances", "--url", keyed.host.base, "--script-root", tmp_path)
    assert elsewhere.code == 1
    assert "requires a key (status 401)" in elsewhere.err
    assert "this command prints the key: embedded-host keys list" in elsewhere.err
    other = call("get-instances", "--url", keyed.host.base, "--code", "wrong")
    assert "does not accept the key" in other.err


def test_a_key_is_sent_to_no_other_program(keyed: Keyed, tmp_path: Path) -> None:
    """A host with another state folder receives no key."""
    with RunningHost(keyed_app(tmp_path / "other").root, tmp_path / "state", "--auth") as other:
        called = call("get-instances", "--url", other.base, "--script-root", keyed.host.root)
    assert called.code == 1
    assert "Key:" not in called.err
    assert "requires a key" in called.err


def test_a_running_host_applies_changes_of_keys(keyed: Keyed) -> None:
    root = keyed.host.root
    made = call("keys", "create", "--name", "partner", "--script-root", root).out.split()[-1]
    assert keyed.request("GET", "/api/only-function", made).status == 200
    assert call("keys", "revoke", "--name", "partner", "--script-root", root).code == 0
    assert keyed.request("GET", "/api/only-function", made).status == 401
    old = keyed.keys.system[DURABLE]
    assert call("keys", "create", "--name", DURABLE, "--system", "--script-root", root).code == 0
    assert keyed.request("GET", f"{MANAGEMENT}/instances", old).status == 401
    links = keyed.request("POST", "/api/start/Hello").json
    assert links["statusQueryGetUri"].endswith(
        keyed.keys.system[DURABLE]
    )  # the binding of the function contains the new key
    shown = keyed.request("GET", "/admin/host/keys", keyed.keys.master).json
    assert shown["keys"] == [{"name": DEFAULT, "value": keyed.keys.host[DEFAULT]}]
    keyed.seen.pop()  # this response may contain keys


def test_keys_are_kept_after_a_restart(tmp_path: Path) -> None:
    app, state = keyed_app(tmp_path / "app"), tmp_path / "state"
    with RunningHost(app.root, state, "--auth") as host:
        before = KeyFile(state).keys()
        assert host.stop() == 0
    assert not (state / "port").exists()
    with RunningHost(app.root, state, "--auth") as host:
        assert KeyFile(state).keys() == before
        assert (
            http(
                "GET",
                f"{host.base}/api/only-function",
                headers={"x-functions-key": before.host[DEFAULT]},
            ).status
            == 200
        )


def test_a_host_with_keys_listens_on_the_network(tmp_path: Path) -> None:
    with RunningHost(
        keyed_app(tmp_path / "app").root, tmp_path / "state", "--auth", "--address", "0.0.0.0"
    ) as host:
        assert "WARNING" not in host.log
        assert host.get(f"{MANAGEMENT}/instances").status == 401


def test_keys_appear_in_no_log_and_no_response(keyed: Keyed) -> None:
    """Check the responses and the log of this test and the earlier tests of the module."""
    own = keyed.file.put(Scope("function", "logskeys"), "own")[0]
    keyed.file.of_function("Greetfunction")
    keys = keyed.keys
    for path in ("/api/start/Hello", "/api/client", "/dashboard", "/", f"{MANAGEMENT}/instances"):
        keyed.request("GET", path)
        keyed.request("POST", path, keys.master)
    for key in (keys.host[DEFAULT], own, keys.master):
        assert keyed.request("GET", f"/api/logs-keys?code={key}").text == "logged"
        assert keyed.request("GET", "/api/logs-keys", key).text == "logged"
        assert keyed.request("GET", f"/api/logs-keys?fail=1&code={key}").status == 500
        keyed.request("GET", f"/api/nothing?code={key}")
        keyed.request("POST", f"{MANAGEMENT}/orchestrators/Hello?code={key}")
        keyed.request("GET", f"/admin/functions?code={key}")
    log = keyed.host.log
    assert "url http://localhost" in log
    assert "is too much" in log
    secret = {keys.master, *keys.host.values(), own, *keys.functions["greetfunction"].values()}
    everywhere = secret | set(keys.system.values())
    assert len(everywhere) >= 5
    found = {key for key in everywhere if key in log}
    assert not found
    for file in keyed.host.state.rglob("*"):
        if file.is_file() and file != keyed.file.path:
            content = file.read_bytes()
            assert not [key for key in everywhere if key.encode() in content], file
    for response in keyed.seen:
        text = f"{response.text}\n{json.dumps(response.headers)}"
        assert not [key for key in secret if key in text]
        # The system key is only in the links of instances.
        assert not [
            key for key in keys.system.values() if key in re.sub(r"[?&]code=[\w-]+", "", text)
        ]
    for process in (psutil.Process(keyed.host.process.pid), *keyed.host.workers):
        visible = " ".join([*process.cmdline(), *process.environ().values()])
        assert not [key for key in everywhere if key in visible]
    if os.name == "posix":
        assert all(file.stat().st_mode & 0o077 == 0 for file in keyed.host.state.iterdir())
