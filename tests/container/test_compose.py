"""Tests of ``docker compose up``: the app and Azurite, through the published port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.client import MANAGEMENT, final_status, request
from tests.container.compose import Compose, hello

MESSAGE = (
    "Hello World! from Linux operating system on 64bit ELF architecture in local-docker enviroment"
)


@pytest.fixture(scope="module")
def up(compose: Compose) -> Iterator[Compose]:
    compose.up()
    yield compose
    compose.remove()


def test_all_services_become_healthy(up: Compose) -> None:
    for service in ("azurite", "app", "gateway"):
        (container,) = up.containers(service)
        assert up.inspect(container)["State"]["Health"]["Status"] == "healthy"
    assert not up.containers("embedded")  # only with its profile


def test_the_hello_has_the_documented_output(up: Compose) -> None:
    status = final_status(hello(up.base))
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == MESSAGE


def test_every_link_is_reachable_from_this_machine(up: Compose) -> None:
    links = hello(up.base)
    final_status(links)
    urls = {name: url for name, url in links.items() if name != "id"}
    for name, url in urls.items():
        assert url.startswith(f"{up.base}{MANAGEMENT}/instances/"), name
    assert request("GET", urls.pop("statusQueryGetUri")).status == 200
    for name in ("sendEventPostUri", "terminatePostUri", "suspendPostUri", "resumePostUri"):
        event = urls.pop(name).replace("{eventName}", "Nothing")
        assert request("POST", event, {}).status == 410, name  # recorded: it has finished
    assert request("POST", urls.pop("rewindPostUri")).status == 412  # recorded: it has not failed
    assert request("POST", urls.pop("restartPostUri")).status == 202
    assert request("DELETE", urls.pop("purgeHistoryDeleteUri")).json == {"instancesDeleted": 1}
    assert not urls


def test_only_the_gateway_is_published_and_only_on_the_loopback_interface(up: Compose) -> None:
    published = {
        f"{service} {port} {binding['HostIp']}:{binding['HostPort']}"
        for service in ("azurite", "app", "gateway")
        for container in up.containers(service)
        for port, bindings in up.inspect(container)["NetworkSettings"]["Ports"].items()
        for binding in bindings or []
    }
    assert published == {f"gateway 8080/tcp 127.0.0.1:{up.port}"}


def test_instances_are_kept_after_the_containers_are_removed(up: Compose) -> None:
    links = hello(up.base)
    before = final_status(links)
    up("down")
    up.up()
    assert final_status(links) == before


def test_three_containers_share_the_load_behind_one_port(up: Compose) -> None:
    up.up("--scale", "app=3")
    containers = up.containers("app")
    assert len(containers) == 3
    for _ in range(30):
        assert final_status(hello(up.base))["output"] == MESSAGE
    started = Counter(
        line.partition("|")[0].strip()
        for line in up("logs", "--no-color", "app").splitlines()
        if "Started orchestrator HelloOrchestrator" in line
    )
    assert len(started) >= 3, started  # every container has started one
    settings = [set(up.inspect(container)["Config"]["Env"]) for container in containers]
    assert settings[0] == settings[1] == settings[2]  # one storage, one hub, one address
    up.up("--scale", "app=1")
    assert (
        final_status(hello(up.base))["output"] == MESSAGE
    )  # the gateway does not use removed containers
