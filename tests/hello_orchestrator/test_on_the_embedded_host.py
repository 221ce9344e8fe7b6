"""Tests of the app on the embedded host: the commands and responses in README.md."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.message import hello_world
from tests.client import FINAL, eventually, final_status, request

pytest.importorskip("embedded_host", reason="the embedded host is not installed")
ROOT = Path(__file__).parents[2]
MESSAGE = hello_world({"ENV": "local"})


class Host:
    """A running host process."""

    def __init__(self, log: Path, state: Path) -> None:
        self._log = log
        command = [sys.executable, "-m", "embedded_host", "start", "--script-root", str(ROOT)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--state", str(state), "--port", "0", "--no-reload"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self.base = eventually(self._url, "the host is ready")[1]

    def _url(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.log
        return re.search(r"Ready at (http://\S+)", self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    host = Host(folder / "log", folder / "state")
    yield host
    host.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
    assert host.process.wait(20) == 0


def test_the_host_lists_the_functions_in_alphabetical_order_after_the_http_triggers(
    host: Host,
) -> None:
    assert f"\tHttpStarter: [GET,POST] {host.base}/api/orchestrators/{{functionName}}\n" in host.log
    assert "\tHelloActivity: activityTrigger\n" in host.log
    assert "\tHelloOrchestrator: orchestrationTrigger\n" in host.log
    assert f"{host.base}/api/orchestrators/HelloOrchestrator" in host.log
    assert (
        host.log.index("HttpStarter")
        < host.log.index("HelloActivity")
        < host.log.index("HelloOrchestrator")
    )


@pytest.mark.parametrize("name", ["hello_orchestrator", "HelloOrchestrator", "hello-orchestrator"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_starter_returns_links_to_the_status_in_the_readme(
    host: Host, name: str, method: str
) -> None:
    started = request(method, f"{host.base}/api/orchestrators/{name}")
    assert started.status == 202
    links = started.json
    assert started.headers["location"] == links["statusQueryGetUri"]
    assert started.headers["retry-after"] == "10"
    assert started.headers["content-type"] == "application/json"
    assert urlsplit(links["statusQueryGetUri"]).netloc == urlsplit(host.base).netloc
    response = request("GET", links["statusQueryGetUri"], Prefer="wait=20")
    assert response.status == 200
    assert response.headers["preference-applied"] == "wait=20"
    second = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.sub(second, "<time>", response.text) == (
        f'{{"name":"HelloOrchestrator","instanceId":"{links["id"]}","runtimeStatus":"Completed","input":null,'
        f'"customStatus":null,"output":"{MESSAGE}","createdTime":"<time>","lastUpdatedTime":"<time>"}}'
    )
    assert re.fullmatch("[0-9a-f]{32}", links["id"])
    (shown,) = re.findall(
        "```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    in_readme = json.loads(shown)
    assert list(response.json) == list(in_readme)
    same = [name for name, value in in_readme.items() if value != "..." and name != "output"]
    assert {name: response.json[name] for name in same} == {name: in_readme[name] for name in same}


def test_the_status_query_returns_202_until_the_instance_has_finished(host: Host) -> None:
    location = request("GET", f"{host.base}/api/orchestrators/HelloOrchestrator").headers[
        "location"
    ]
    while (response := request("GET", location)).status != 200:
        assert response.status == 202
        assert response.headers["location"] == location
        assert response.json["runtimeStatus"] not in FINAL
    assert response.json["output"] == MESSAGE


def test_an_unknown_orchestrator_returns_404_with_the_known_ones(host: Host) -> None:
    response = request("GET", f"{host.base}/api/orchestrators/nosuch")
    assert response.status == 404
    assert response.json["orchestrators"] == ["HelloOrchestrator"]


def test_a_json_body_becomes_the_input_and_an_invalid_one_returns_400(host: Host) -> None:
    links = request("POST", f"{host.base}/api/orchestrators/HelloOrchestrator", {"a": 1}).json
    assert final_status(links)["input"] == '{"a": 1}'
    assert (
        request("POST", f"{host.base}/api/orchestrators/HelloOrchestrator", "{not json").status
        == 400
    )
