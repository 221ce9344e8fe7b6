"""Tests of the app's image: content, user, layers and health check."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import eventually
from tests.container.compose import ROOT, Compose

APP = [
    "HelloActivity",
    "HelloOrchestrator",
    "HttpStarter",
    "host.json",
    "requirements.txt",
]


@pytest.fixture(scope="module")
def image(compose: Compose) -> str:
    return compose.image("app")


def inside(compose: Compose, image: str, *command: str) -> str:
    return compose.docker("run", "--rm", "--entrypoint", command[0], image, *command[1:])


def configuration(compose: Compose, image: str) -> dict[str, Any]:
    (found,) = json.loads(compose.docker("image", "inspect", image))
    return found  # type: ignore[no-any-return]


def test_the_image_contains_only_the_app(compose: Compose, image: str) -> None:
    assert inside(compose, image, "ls", "-A", "/home/site/wwwroot").split() == sorted(
        [*APP, "shared"], key=str.encode
    )
    tracked = subprocess.run(
        ["git", "ls-files", *APP, "shared"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = inside(compose, image, "sh", "-c", "cd /home/site/wwwroot && find . -type f").split()
    assert sorted(file.removeprefix("./") for file in files) == sorted(tracked.stdout.split())


def test_the_packages_are_those_of_the_lock_file(compose: Compose, image: str) -> None:
    listed = inside(compose, image, "pip", "list", "--format=json", "--disable-pip-version-check")
    installed = {
        package["name"].lower().replace("_", "-"): package["version"]
        for package in json.loads(listed)
    }
    locked = [
        line.split(" \\")[0].split(" ;")[0]
        for line in (ROOT / "deploy" / "requirements-container.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    for name, _, version in (
        line.partition("==") for line in locked if "==" in line and not line.startswith("#")
    ):
        assert installed.get(name) == version, name
    assert "azure-functions-embedded-host" not in installed


def test_the_container_runs_as_user_10001_on_port_8080(compose: Compose, image: str) -> None:
    found = configuration(compose, image)["Config"]
    assert found["User"] == "10001"
    assert "8080/tcp" in found["ExposedPorts"]
    assert "ASPNETCORE_URLS=http://+:8080" in found["Env"]
    assert "AzureWebJobsScriptRoot=/home/site/wwwroot" in found["Env"]
    assert "AzureFunctionsJobHost__Logging__Console__IsEnabled=true" in found["Env"]
    writable = (
        "for path in /home/site/wwwroot /home/site/wwwroot/shared; do test -w $path && "
        "echo $path; done; id --user"
    )
    assert inside(compose, image, "sh", "-c", writable).split() == ["10001"]


# -- layers ----------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository's files."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if not name.startswith(("tests/", "embedded-host/")) and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_changed_py_file_rebuilds_only_the_last_layer(
    compose: Compose, image: str, copy: Path
) -> None:
    before = configuration(compose, image)["RootFS"]["Layers"]
    with (copy / "HelloActivity" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    compose.docker("build", "--quiet", "--tag=changed", copy)
    after = configuration(compose, "changed")["RootFS"]["Layers"]
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


def test_the_layer_of_the_app_is_small(compose: Compose, image: str) -> None:
    history = compose.docker(
        "history", "--no-trunc", "--human=false", "--format={{.Size}} {{.CreatedBy}}", image
    )
    sizes = {line.partition(" ")[2]: int(line.partition(" ")[0]) for line in history.splitlines()}
    (app,) = (size for command, size in sizes.items() if "COPY /app /home/site/wwwroot" in command)
    (packages,) = (
        size
        for command, size in sizes.items()
        if "pip install" in command and "--no-index" in command
    )
    assert app < 200_000
    assert packages < 80_000_000
    assert not any("/wheels" in command and size > packages for command, size in sizes.items())


# -- health ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def storage(compose: Compose) -> Iterator[str]:
    """Start Azurite, and return the name of its network."""
    compose.up("azurite")
    yield f"{compose.project}_default"
    compose.remove()


def becomes(compose: Compose, image: str, network: str, wanted: str, expected: str) -> None:
    """Start a container, and wait until its health is ``wanted`` with the expected reason."""
    environment = json.loads(compose("config", "--format=json"))["services"]["app"]["environment"]
    settings = [f"--env={name}={value}" for name, value in environment.items()]
    quick = ["--health-interval=1s", "--health-start-period=2s", "--health-retries=8"]
    container = compose.docker(
        "run", "--detach", f"--network={network}", *settings, *quick, image
    ).strip()
    try:

        def has_wanted_health() -> bool:
            state = compose.inspect(container)["State"]
            assert state["Running"], compose.docker("logs", container)
            outputs = [check["Output"] for check in state["Health"]["Log"]]
            return state["Health"]["Status"] == wanted and any(
                expected in output for output in outputs
            )

        eventually(has_wanted_health, f"the container is {wanted}: {expected}", 120)
        ping = (
            "import urllib.request as u; "
            "print(u.urlopen('http://127.0.0.1:8080/admin/host/ping').status)"
        )
        assert compose.docker("exec", container, "python", "-c", ping).strip() == "200"
    finally:
        compose.docker("rm", "--force", "--volumes", container)


def test_the_unchanged_app_becomes_healthy(compose: Compose, image: str, storage: str) -> None:
    becomes(compose, image, storage, "healthy", "healthy\n")


@pytest.mark.parametrize(
    ("function", "code", "expected"),
    [
        (
            "HelloActivity",
            "import nothing_of_this_name\n",
            "HelloActivity cannot be loaded: ModuleNotFoundError",
        ),
        ("HelloOrchestrator", "def main(:\n", "HelloOrchestrator cannot be loaded: SyntaxError"),
        ("HttpStarter", "import nothing_of_this_name\n", "HttpStarter "),
    ],
)
def test_a_function_that_cannot_be_loaded_makes_the_container_unhealthy(
    compose: Compose, copy: Path, storage: str, function: str, code: str, expected: str
) -> None:
    (copy / function / "__init__.py").write_text(code, encoding="utf-8")
    compose.docker("build", "--quiet", "--tag=broken", copy)
    becomes(compose, "broken", storage, "unhealthy", expected)
