"""Tests of docker-compose.yml, gateway.conf and the Dockerfiles that need no engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.container.compose import ROOT

yaml = pytest.importorskip("ruamel.yaml", reason="reads docker-compose.yml")
COMPOSE: dict[str, Any] = yaml.YAML(typ="safe", pure=True).load(
    (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES = COMPOSE["services"]
DOCKERFILES = ("Dockerfile", "deploy/embedded.Dockerfile")
APP = {
    "HelloActivity",
    "HelloOrchestrator",
    "HttpStarter",
    "shared",
    "host.json",
    "requirements.txt",
}


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(file),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_compose_file_follows_the_specification(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema")
    assert _check_schema(ROOT / "docker-compose.yml").returncode == 0
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(
        _text("docker-compose.yml").replace("depends_on", "dependson"), encoding="utf-8"
    )
    assert "'dependson' was unexpected" in _check_schema(wrong).stdout


def test_the_app_waits_for_a_storage_that_it_reaches_by_name() -> None:
    app, azurite = SERVICES["app"], SERVICES["azurite"]
    assert app["depends_on"] == {"azurite": {"condition": "service_healthy"}}
    storage = dict(
        part.partition("=")[::2] for part in app["environment"]["AzureWebJobsStorage"].split(";")
    )
    ports = {"Blob": 10000, "Queue": 10001, "Table": 10002}
    for kind, port in ports.items():
        assert storage[f"{kind}Endpoint"] == f"http://azurite:{port}/{storage['AccountName']}"
        assert f"--{kind.lower()}Host 0.0.0.0" in azurite["command"]
        assert f"nc -z 127.0.0.1 {port}" in azurite["healthcheck"]["test"][1]
    assert "--skipApiVersionCheck" in azurite["command"]
    assert "--location /data" in azurite["command"]
    assert azurite["volumes"] == ["azurite:/data"]


@pytest.mark.parametrize("service", ["azurite", "gateway"])
def test_images_are_pinned(service: str) -> None:
    assert re.fullmatch(r"[a-z./-]+:\d+\.\d+(\.\d+)?(-alpine)?", SERVICES[service]["image"])


def test_links_have_the_published_port() -> None:
    port = "${HELLO_PORT:-8080}"
    assert SERVICES["app"]["environment"]["WEBSITE_HOSTNAME"] == f"localhost:{port}"
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{port}:8080"]
    assert "ports" not in SERVICES["app"]  # else --scale would publish one port three times
    assert "ports" not in SERVICES["azurite"]


def test_both_hosts_set_env() -> None:
    for service in ("app", "embedded"):
        assert SERVICES[service]["environment"]["ENV"] == "local-docker"
        assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES["embedded"]["profiles"] == ["embedded"]


def test_the_app_s_containers_share_one_host_id() -> None:
    """Without it each container generates its own keys, and rejects links of the others."""
    host_id = SERVICES["app"]["environment"]["AzureFunctionsWebHost__hostid"]
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]){0,31}", host_id)  # the host's pattern of ids


def test_every_volume_is_named() -> None:
    named = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert {name for name in named if not name.startswith(".")} == set(COMPOSE["volumes"])


def test_the_gateway_forwards_requests_to_the_app_by_its_name() -> None:
    conf = _text("deploy/gateway.conf")
    assert "listen 8080;" in conf
    assert "set $app app:8080;" in conf
    assert "proxy_set_header Host $http_host;" in conf


# -- the images ------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint has no package for Windows")
def test_hadolint_reports_no_problem(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [hadolint, *DOCKERFILES], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
    bad = tmp_path / "Dockerfile"
    bad.write_text(_text("Dockerfile").replace(":4-python3.11", ""), encoding="utf-8")
    assert subprocess.run([hadolint, bad], capture_output=True, timeout=60).returncode != 0


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_app_is_the_last_layer_of_the_image(name: str) -> None:
    last = _text(name).rpartition("\nFROM ")[2].splitlines()
    assert "USER 10001" in last
    copies = [line for line in last if line.startswith("COPY")]
    assert "/home/site/wwwroot" in copies[-1]
    assert last.index(copies[-1]) > next(
        index for index, line in enumerate(last) if re.search(r"\bpip\b.* install ", line)
    )


def _tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("git lists the files of the repository")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return listed.splitlines()


def _included(name: str, paths: Iterable[str]) -> set[str]:
    """Return the paths that an ignore file includes. The last matching rule decides."""
    rules = [line for line in _text(name).splitlines() if not line.startswith("#")]
    assert rules[0].strip("/") == "*"  # deny all, then allow

    def is_included(path: str) -> bool:
        included = True
        for rule in rules:
            pattern = rule.strip("!/*")
            if (
                not pattern
                or f"{path}/".startswith(f"{pattern}/")
                or (pattern == "__pycache__" and pattern in path)
            ):
                included = rule.startswith("!")
        return included

    return {path for path in paths if is_included(path)}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        (".dockerignore", {"deploy/health.py", "deploy/requirements-container.txt"}),
        (
            "deploy/embedded.Dockerfile.dockerignore",
            {
                "deploy/health.py",
                "deploy/requirements-container.txt",
                "deploy/requirements-embedded.txt",
            },
        ),
        (".funcignore", set()),
    ],
)
def test_an_image_and_a_deployment_contain_the_app_only(name: str, more: set[str]) -> None:
    tracked = _tracked()
    app = {path for path in tracked if path.partition("/")[0] in APP}
    functions = {
        path.partition("/")[0]
        for path in tracked
        if path.count("/") == 1 and path.endswith("/function.json")
    }
    assert functions < APP
    host = (
        {path for path in tracked if path.startswith("embedded-host/src/")}
        if "embedded" in name
        else set()
    )
    assert _included(name, tracked) == app | more | host


@pytest.mark.parametrize(
    "name", [".dockerignore", "deploy/embedded.Dockerfile.dockerignore", ".funcignore"]
)
def test_an_image_and_a_deployment_contain_neither_state_nor_secrets(name: str) -> None:
    private = (
        ".env",
        ".azure/x",
        ".azurite/x",
        ".embedded-host/x",
        ".git/x",
        ".venv/x",
        "local.settings.json",
        "new/x.py",
    )
    assert not _included(name, private)
    assert not _included(name, ["shared/__pycache__/message.pyc"])


# -- the locked packages ---------------------------------------------------------------------------


def _locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ \\;]+)", _text(name), re.MULTILINE))


@pytest.mark.parametrize(
    "name", ["deploy/requirements-container.txt", "deploy/requirements-embedded.txt"]
)
def test_every_package_is_exact_and_has_hashes(name: str) -> None:
    entries = re.sub(r"\\\n", " ", _text(name)).splitlines()
    packages = [line for line in entries if line.strip() and not line.startswith("#")]
    assert len(packages) == len(_locked(name)) > 20
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in packages)


def test_both_containers_run_the_app_with_the_same_packages() -> None:
    for name in DOCKERFILES:
        assert "--requirement=/requirements-container.txt" in _text(name).rpartition("\nFROM ")[2]
    app = _locked("deploy/requirements-container.txt")
    assert app["azure-functions-durable"].startswith("1.")
    assert not {"click", "rich", "uvloop", "pytest"} & set(app)


def test_the_embedded_image_contains_every_package_that_the_host_requires() -> None:
    listed = _text("embedded-host/pyproject.toml").partition("\ndependencies = [")[2]
    required = re.findall(r'^    "([\w-]+)', listed.partition("\n]")[0], re.MULTILINE)
    locked = _locked("deploy/requirements-embedded.txt")
    assert "aiohttp" in required
    assert set(required) - {"tzdata"} <= set(locked)  # tzdata: Windows only


def test_the_embedded_image_separates_the_packages_of_the_app_from_those_of_the_host() -> None:
    last = _text("deploy/embedded.Dockerfile").rpartition("\nFROM ")[2]
    installed = dict(re.findall(r"pip --python=(\S+) install .*--requirement=/(\S+)", last))
    assert installed == {
        "/opt/host": "requirements-embedded.txt",
        "/home/site/wwwroot/.venv": "requirements-container.txt",
    }
    assert 'CMD ["/opt/host/bin/python", "-m", "embedded_host"' in last
    assert 'CMD ["/home/site/wwwroot/.venv/bin/python", "/opt/health.py"' in last  # loads functions
