"""docker-compose.yml, gateway.conf and the Dockerfiles, as far as they can be read without an engine; tests/container runs them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest

from tests.hosting.documents import ROOT, problems, read_yaml

BUILTIN = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
COMPOSE: dict[str, Any] = read_yaml("docker-compose.yml")
SERVICES = COMPOSE["services"]
DOCKERFILES = ("Dockerfile", "embedded.Dockerfile")
APP = {"HelloActivity", "HelloOrchestrator", "HttpStarter", "shared", "host.json", "requirements.txt"}


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _compose_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((BUILTIN / "compose-spec.json").read_text(encoding="utf-8"))
    return schema


def test_the_compose_file_is_as_the_specification_asks() -> None:
    assert not problems(COMPOSE, _compose_schema())


def test_a_mistake_in_it_is_found() -> None:
    wrong = {**COMPOSE, "services": {**SERVICES, "app": {**SERVICES["app"], "dependson": ["azurite"]}}}
    assert "'dependson' was unexpected" in "\n".join(problems(wrong, _compose_schema()))


def test_the_app_waits_for_a_storage_that_it_reaches_by_name() -> None:
    app, azurite = SERVICES["app"], SERVICES["azurite"]
    assert app["depends_on"] == {"azurite": {"condition": "service_healthy"}}
    storage = dict(part.partition("=")[::2] for part in app["environment"]["AzureWebJobsStorage"].split(";"))
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


def test_links_lead_to_the_port_that_is_published() -> None:
    port = "${HELLO_PORT:-8080}"
    assert SERVICES["app"]["environment"]["WEBSITE_HOSTNAME"] == f"localhost:{port}"
    assert SERVICES["gateway"]["ports"] == [f"127.0.0.1:{port}:8080"]
    assert "ports" not in SERVICES["app"]  # or --scale would ask for one port three times
    assert "ports" not in SERVICES["azurite"]


def test_both_hosts_say_where_they_run() -> None:
    for service in ("app", "embedded"):
        assert SERVICES[service]["environment"]["ENV"] == "local-docker"
        assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES["embedded"]["profiles"] == ["embedded"]


def test_every_volume_is_named() -> None:
    named = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in named if not name.startswith(".")} == set(COMPOSE["volumes"])


def test_the_gateway_asks_the_app_by_its_name_and_hands_on_what_was_asked_for() -> None:
    conf = _text("gateway.conf")
    assert "listen 8080;" in conf
    assert "set $app app:8080;" in conf
    assert "proxy_set_header Host $http_host;" in conf


# -- the images --------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint has no package for Windows")
def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, *DOCKERFILES], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    bad = tmp_path / "Dockerfile"
    bad.write_text(_text("Dockerfile").replace(":4-python3.11", ""), encoding="utf-8")
    assert subprocess.run([hadolint, bad], capture_output=True, timeout=60).returncode != 0


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_image_is_built_in_layers_of_which_the_app_is_the_last(name: str) -> None:
    last = _text(name).rpartition("\nFROM ")[2].splitlines()
    order = [line.split()[0] for line in last if re.match(r"(COPY|RUN|USER|HEALTHCHECK)\b", line)]
    assert order[:3] == ["COPY", "RUN", "RUN"]
    assert "USER 10001" in last
    assert any("/home/site/wwwroot" in line for line in last if line.startswith("COPY"))
    packages = next(index for index, line in enumerate(last) if "pip install" in line)
    app = next(index for index, line in enumerate(last) if line.startswith("COPY") and "/home/site/wwwroot" in line)
    assert packages < app


def ignored(name: str, path: str) -> bool:
    """Whether Docker leaves a top-level entry out; of its patterns only those that this project writes."""
    patterns = [line for line in _text(name).splitlines() if line and not line.startswith("#")]
    assert not [pattern for pattern in patterns if pattern.startswith("!")]
    return any(fnmatch(path, pattern) for pattern in patterns)


def _top_level() -> set[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("what belongs to the repository is asked of git")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {path.partition("/")[0] for path in listed.splitlines()}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        (".dockerignore", {"requirements-container.txt"}),
        ("embedded.Dockerfile.dockerignore", {"requirements-embedded.txt", "embedded_host"}),
        (".funcignore", set()),
    ],
)
def test_only_the_app_is_taken(name: str, more: set[str]) -> None:
    """A new folder in the repository is a function, or it is to be named in all three."""
    assert {entry for entry in _top_level() if not ignored(name, entry)} == APP | more


@pytest.mark.parametrize("name", [".dockerignore", "embedded.Dockerfile.dockerignore", ".funcignore"])
def test_neither_state_nor_secrets_are_taken(name: str) -> None:
    for entry in (".env", ".azure", ".azurite", ".embedded-host", ".git", ".venv", ".venv-func", "local.settings.json"):
        assert ignored(name, entry), entry


# -- the locked packages -----------------------------------------------------------------------------


def _locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ \\;]+)", _text(name), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements-container.txt", "requirements-embedded.txt"])
def test_every_package_is_exact_and_has_hashes(name: str) -> None:
    entries = re.sub(r"\\\n", " ", _text(name)).splitlines()
    packages = [line for line in entries if line.strip() and not line.startswith("#")]
    assert len(packages) == len(_locked(name)) > 20
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in packages)


def test_both_containers_run_the_app_with_the_same_packages() -> None:
    app, embedded = _locked("requirements-container.txt"), _locked("requirements-embedded.txt")
    assert app.items() <= embedded.items()
    assert app["azure-functions-durable"].startswith("1.")
    assert not {"click", "rich", "uvloop", "pytest"} & set(app)
