"""``--auth`` over real sockets and processes: what is asked for keys, who works with them, and that none gets out."""

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

TELLS_ALL = """
import logging

import azure.functions as func


def main(req, starter: str):
    logging.info("url %s, headers %s", req.url, dict(req.headers))
    logging.warning("binding %s", starter)
    if "fail" in req.params:
        raise ValueError(f"{req.url} is too much")
    return func.HttpResponse("told")
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
    app.function("Tells", TELLS_ALL, http_trigger("tells", authLevel="function"), HTTP_OUT, CLIENT)
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

    def ask(self, method: str, path: str, key: str | None = None, **headers: str) -> HttpReply:
        if key is not None:
            headers["x-functions-key"] = key
        answer = http(
            method, path if path.startswith("http") else self.host.base + path, None, headers
        )
        self.seen.append(answer)
        return answer


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    root = tmp_path_factory.mktemp("keys") / "app"
    state = keyed_app(root).root / ".embedded-host"
    with RunningHost(root, state, "--auth", "--verbose") as host:
        yield Keyed(host, KeyFile(state))
        assert host.stop() == 0, host.log


pytestmark = pytest.mark.xdist_group("keys")


def test_functions_by_their_levels(keyed: Keyed) -> None:
    keys = keyed.keys
    own = keyed.file.of_function("Greetfunction")[DEFAULT]
    for path, opened_by in (
        ("/api/only-function", (keys.master, keys.host[DEFAULT], own)),
        ("/api/only-admin", (keys.master,)),
    ):
        for key in (keys.master, keys.host[DEFAULT], own, keys.system[DURABLE], "wrong", None):
            for answer in (
                keyed.ask("GET", path, key),
                keyed.ask("GET", f"{path}?code={key or ''}"),
            ):
                assert answer.status == (200 if key in opened_by else 401), (path, key)
                if key not in opened_by:
                    assert answer.text == ""
                    assert "www-authenticate" not in answer.headers


def test_the_links_of_an_instance_carry_the_system_key_and_work(keyed: Keyed) -> None:
    answer = keyed.ask("POST", "/api/start/Hello")
    assert answer.status == 202
    links = answer.json
    for name, url in links.items():
        assert name == "id" or url.endswith(f"&code={keyed.keys.system[DURABLE]}")
    assert keyed.host.end(links)["output"] == "hello"
    assert keyed.ask("DELETE", links["purgeHistoryDeleteUri"]).status == 200
    restarted = keyed.ask("POST", keyed.ask("POST", "/api/start/Hello").json["restartPostUri"])
    assert restarted.json["statusQueryGetUri"].endswith(f"&code={keyed.keys.system[DURABLE]}")


@pytest.mark.parametrize(
    "path", [f"{MANAGEMENT}/instances", f"{MANAGEMENT}/nothing", MANAGEMENT, MANAGEMENT.upper()]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_the_management_api(keyed: Keyed, method: str, path: str) -> None:
    keys = keyed.keys
    for wrong in (None, "wrong", ""):
        answer = keyed.ask(method, path, wrong)
        assert (answer.status, answer.text, answer.headers["www-authenticate"]) == (
            401,
            "",
            "Bearer",
        )
    assert keyed.ask(method, path, keys.host[DEFAULT]).status == 403
    for right in (keys.system[DURABLE], keys.master):
        assert keyed.ask(method, path, right).status not in (401, 403)


def test_the_dashboard(keyed: Keyed) -> None:
    assert keyed.ask("GET", "/dashboard").status == 200
    for path in (
        "/dashboard/api/instances",
        "/dashboard//api/instances",
        "/dashboard/api/functions",
        "/Dashboard/API/events",
    ):
        assert keyed.ask("GET", path).status == 401
        assert keyed.ask("GET", path, keyed.keys.host[DEFAULT]).status == 403
    assert keyed.ask("GET", "/dashboard/api/instances", keyed.keys.system[DURABLE]).status == 200
    assert (
        "Greetfunction" not in keyed.ask("GET", "/").text
    )  # nor does the home page list the functions


def test_the_sdks_client_in_a_function(keyed: Keyed) -> None:
    assert keyed.ask("GET", "/api/client").text == "by-client"


def test_commands_on_the_same_machine_find_the_key(keyed: Keyed, tmp_path: Path) -> None:
    where: list[Any] = ["--url", keyed.host.base, "--script-root", keyed.host.root]
    for command in (
        ["get-instances"],
        ["functions", "list"],
        ["start-new", "--function-name", "Hello"],
    ):
        called = call(*command, *where)
        assert called.code == 0, called
        assert f"Key: the master key, out of {keyed.file.path}" in called.err
        assert keyed.keys.master not in called.out + called.err
    given = call("get-instances", *where, "--code", keyed.keys.system[DURABLE])
    assert given.code == 0
    assert "Key:" not in given.err
    elsewhere = call("get-instances", "--url", keyed.host.base, "--script-root", tmp_path)
    assert elsewhere.code == 1
    assert "wants a key (status 401)" in elsewhere.err
    assert "embedded-host keys list shows it" in elsewhere.err
    other = call("get-instances", "--url", keyed.host.base, "--code", "wrong")
    assert "does not take the key" in other.err


def test_a_key_is_sent_to_no_other_program(keyed: Keyed, tmp_path: Path) -> None:
    """Another host, on another port, that has not this state."""
    with RunningHost(keyed_app(tmp_path / "other").root, tmp_path / "state", "--auth") as other:
        called = call("get-instances", "--url", other.base, "--script-root", keyed.host.root)
    assert called.code == 1
    assert "Key:" not in called.err
    assert "wants a key" in called.err


def test_a_change_counts_while_the_host_runs(keyed: Keyed) -> None:
    root = keyed.host.root
    made = call("keys", "create", "--name", "partner", "--script-root", root).out.split()[-1]
    assert keyed.ask("GET", "/api/only-function", made).status == 200
    assert call("keys", "revoke", "--name", "partner", "--script-root", root).code == 0
    assert keyed.ask("GET", "/api/only-function", made).status == 401
    old = keyed.keys.system[DURABLE]
    assert call("keys", "create", "--name", DURABLE, "--system", "--script-root", root).code == 0
    assert keyed.ask("GET", f"{MANAGEMENT}/instances", old).status == 401
    links = keyed.ask("POST", "/api/start/Hello").json
    assert links["statusQueryGetUri"].endswith(
        keyed.keys.system[DURABLE]
    )  # which the function's binding has
    shown = keyed.ask("GET", "/admin/host/keys", keyed.keys.master).json
    assert shown["keys"] == [{"name": DEFAULT, "value": keyed.keys.host[DEFAULT]}]
    keyed.seen.pop()  # which shows keys, as it should


def test_keys_outlive_the_host(tmp_path: Path) -> None:
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


def test_the_network_with_keys(tmp_path: Path) -> None:
    with RunningHost(
        keyed_app(tmp_path / "app").root, tmp_path / "state", "--auth", "--address", "0.0.0.0"
    ) as host:
        assert "WARNING" not in host.log
        assert host.get(f"{MANAGEMENT}/instances").status == 401


def test_no_key_gets_out(keyed: Keyed) -> None:
    """Of what this test and those before it in the module have brought about."""
    own = keyed.file.put(Scope("function", "tells"), "own")[0]
    keyed.file.of_function("Greetfunction")
    keys = keyed.keys
    for path in ("/api/start/Hello", "/api/client", "/dashboard", "/", f"{MANAGEMENT}/instances"):
        keyed.ask("GET", path)
        keyed.ask("POST", path, keys.master)
    for key in (keys.host[DEFAULT], own, keys.master):
        assert keyed.ask("GET", f"/api/tells?code={key}").text == "told"
        assert keyed.ask("GET", "/api/tells", key).text == "told"
        assert keyed.ask("GET", f"/api/tells?fail=1&code={key}").status == 500
        keyed.ask("GET", f"/api/nothing?code={key}")
        keyed.ask("POST", f"{MANAGEMENT}/orchestrators/Hello?code={key}")
        keyed.ask("GET", f"/admin/functions?code={key}")
    log = keyed.host.log
    assert "url http://localhost" in log  # it was told
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
    for answer in keyed.seen:
        told = f"{answer.text}\n{json.dumps(answer.headers)}"
        assert not [key for key in secret if key in told]
        # The system key stands in the links of instances, and nowhere else.
        assert not [
            key for key in keys.system.values() if key in re.sub(r"[?&]code=[\w-]+", "", told)
        ]
    for process in (psutil.Process(keyed.host.process.pid), *keyed.host.workers):
        visible = " ".join([*process.cmdline(), *process.environ().values()])
        assert not [key for key in everywhere if key in visible]
    if os.name == "posix":
        assert all(file.stat().st_mode & 0o077 == 0 for file in keyed.host.state.iterdir())
