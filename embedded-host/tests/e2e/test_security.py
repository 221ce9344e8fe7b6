"""Tests of rejected requests over sockets. ``tests/browser/test_other_sites.py`` uses browsers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder, http_trigger
from tests.support.running_host import MANAGEMENT, RunningHost, http

REBOUND = "evil.example:7071"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.http("Greet", "def main(req): return 'hello'", "greet")
    app.orchestrator("Hello", "return 'hello'")
    # Return the binding that the host passes.
    show = (
        "import azure.functions as func\ndef main(req, starter: str): return "
        "func.HttpResponse(starter)\n"
    )
    app.function("Binding", show, http_trigger("binding"), HTTP_OUT, CLIENT)
    return app


def instances(host: RunningHost) -> int:
    return len(host.get(f"{MANAGEMENT}/instances").json)


@pytest.mark.parametrize("name", [REBOUND, "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_a_request_with_a_foreign_host_name_is_rejected(
    app: AppFolder, start_host: StartHost, name: str
) -> None:
    host = start_host(app.root)
    page = {"Host": name, "Sec-Fetch-Site": "same-origin", "Origin": f"http://{name}"}
    for method, path in (
        ("GET", "/"),
        ("GET", "/dashboard"),
        ("POST", "/api/start/Hello"),
        ("GET", f"{MANAGEMENT}/instances"),
    ):
        response = host.request(method, path, headers=page)
        assert response.status == 403, (method, path)
        assert "--allow-host" in response.text
    assert host.log.count("DNS rebinding") == 1
    assert instances(host) == 0
    assert host.get("/api/greet", Host="localhost:1").status == 200


def test_allow_host_adds_a_host_name(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(
        app.root,
        "--allow-host",
        "a.example",
        "--allow-host",
        ".b.example",
        WEBSITE_HOSTNAME="c.example:80",
    )
    for name in ("a.example:7071", "x.b.example", "c.example"):
        assert host.get("/api/greet", Host=name).status == 200
        links = host.post("/api/start/Hello", Host=name).json
        assert links["statusQueryGetUri"].startswith(f"http://{name}/runtime/")
    assert host.get("/api/greet", Host="x.a.example").status == 403


def test_an_origin_of_cors_may_start_instances(app: AppFolder, start_host: StartHost) -> None:
    page = {
        "Origin": "http://localhost:3000",
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "cors",
    }
    refused = start_host(app.root)
    assert refused.request("POST", "/api/start/Hello", headers=page).status == 403
    assert instances(refused) == 0
    assert refused.stop() == 0
    app.write(
        "local.settings.json", '{"IsEncrypted": false, "Host": {"CORS": "http://localhost:3000"}}'
    )
    host = start_host(app.root)
    assert host.request("POST", "/api/start/Hello", headers=page).status == 202
    assert instances(host) == 1


def test_the_endpoint_of_the_sdk_has_a_secret_path(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    base = json.loads(host.get("/api/binding").text)["rpcBaseUrl"]
    opened = http("POST", base + "orchestrators/Hello/by-address", b"")
    assert opened.status == 202
    assert opened.json["statusQueryGetUri"].startswith(host.base)  # no response has the secret
    known = base.partition("code=")[0]
    for guess in (known, known + "code=/", known + "code=x/"):
        assert http("POST", guess + "orchestrators/Hello", b"").status == 403
    assert (
        http("POST", base + "orchestrators/Hello", b"", {"Origin": "http://evil.example"}).status
        == 403
    )
    assert instances(host) == 1
    assert base.partition("code=")[2] not in host.log


def test_a_host_on_the_network_accepts_its_addresses_as_host_names(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root, "--address", "0.0.0.0", "--allow-anonymous-network")
    assert host.get("/api/greet", Host="192.0.2.7:7071").status == 200
    assert host.get("/api/greet", Host="0.0.0.0").status == 403
    assert host.get("/api/greet", Host="some-container:7071").status == 403


def test_pages_of_the_host_cannot_be_framed(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    for path in ("/", "/dashboard"):
        headers = host.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (
        "x-content-type-options" not in host.get("/api/greet").headers
    )  # responses of functions are unchanged
