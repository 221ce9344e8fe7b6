"""The app of this repository, as a newcomer meets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from shared.message import bits, linkage, system

from tests.support.running_host import FINAL, PROJECT, RunningHost


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    state: Path = tmp_path_factory.mktemp("hello") / "state"
    with RunningHost(PROJECT, state, ENV="local") as host:
        yield host
        assert host.stop() == 0


def message() -> str:
    import sys

    architecture = f"{bits()} {linkage(sys.executable)}"
    return f"Hello World! from {system()} operating system on {architecture} architecture in local enviroment"


def test_what_is_printed(hello: RunningHost) -> None:
    assert f"\tHttpStarter: [GET,POST] {hello.base}/api/orchestrators/{{functionName}}\n" in hello.log
    assert "\tHelloActivity: activityTrigger\n" in hello.log
    assert "\tHelloOrchestrator: orchestrationTrigger\n" in hello.log
    assert f"{hello.base}/api/orchestrators/HelloOrchestrator" in hello.log
    assert hello.log.index("HttpStarter") < hello.log.index("HelloActivity") < hello.log.index("HelloOrchestrator")


@pytest.mark.parametrize("name", ["hello_orchestrator", "HelloOrchestrator", "hello-orchestrator"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_hello(hello: RunningHost, name: str, method: str) -> None:
    started = hello.request(method, f"/api/orchestrators/{name}")
    assert started.status == 202
    links = started.json
    assert started.headers["location"] == links["statusQueryGetUri"]
    assert started.headers["retry-after"] == "10"
    assert started.headers["content-type"] == "application/json"
    assert urlsplit(links["statusQueryGetUri"]).netloc == urlsplit(hello.base).netloc
    answer = hello.get(links["statusQueryGetUri"], Prefer="wait=20")
    assert answer.status == 200
    assert answer.headers["preference-applied"] == "wait=20"
    second = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    expected = (
        f'{{"name":"HelloOrchestrator","instanceId":"{links["id"]}","runtimeStatus":"Completed","input":null,'
        f'"customStatus":null,"output":"{message()}","createdTime":"<time>","lastUpdatedTime":"<time>"}}'
    )
    assert re.sub(second, "<time>", answer.text) == expected
    assert re.fullmatch("[0-9a-f]{32}", links["id"])


def test_until_it_is_finished_the_status_is_a_202(hello: RunningHost) -> None:
    location = hello.get("/api/orchestrators/HelloOrchestrator").headers["location"]
    while True:  # the way of a client that knows nothing but the links
        answer = hello.get(location)
        if answer.status == 200:
            break
        assert answer.status == 202
        assert answer.headers["location"] == location
        assert answer.json["runtimeStatus"] not in FINAL
    assert answer.json["output"] == message()


def test_an_unknown_orchestrator(hello: RunningHost) -> None:
    answer = hello.get("/api/orchestrators/nosuch")
    assert answer.status == 404
    assert answer.json["orchestrators"] == ["HelloOrchestrator"]


def test_a_body_becomes_the_input(hello: RunningHost) -> None:
    links = hello.post("/api/orchestrators/HelloOrchestrator", {"a": 1}).json
    assert hello.end(links)["input"] == '{"a": 1}'
    assert hello.post("/api/orchestrators/HelloOrchestrator", "{not json").status == 400
