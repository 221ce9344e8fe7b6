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


def copy(folder: Path) -> Path:
    """Copy the files of the repository that the images can contain, and return the folder."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if not name.startswith(("tests/", "embedded-host/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_a_changed_py_file_rebuilds_only_the_last_layer(
    compose: Compose, image: str, tmp_path: Path
) -> None:
    before = configuration(compose, image)["RootFS"]["Layers"]
    with (copy(tmp_path) / "HelloActivity/__init__.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    compose.docker("build", "--quiet", "--tag=changed", tmp_path)
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


def start(compose: Compose, image: str, network: str) -> str:
    """Start a container with frequent health checks, and return its name."""
    environment = json.loads(compose("config", "--format=json"))["services"]["app"]["environment"]
    settings = [f"--env={name}={value}" for name, value in environment.items()]
    quick = ["--health-interval=1s", "--health-start-period=2s", "--health-retries=8"]
    return compose.docker(
        "run", "--detach", f"--network={network}", *settings, *quick, image
    ).strip()


def becomes(compose: Compose, container: str, wanted: str, expected: str) -> None:
    """Wait until the health of a container is ``wanted`` with the expected reason."""

    def has_wanted_health() -> bool:
        state = compose.inspect(container)["State"]
        assert state["Running"], compose.docker("logs", container)
        outputs = [check["Output"] for check in state["Health"]["Log"]]
        return state["Health"]["Status"] == wanted and any(expected in each for each in outputs)

    eventually(has_wanted_health, f"the container is {wanted}: {expected}", 120)
    ping = (
        "import urllib.request as u; "
        "print(u.urlopen('http://127.0.0.1:8080/admin/host/ping').status)"
    )
    assert compose.docker("exec", container, "python", "-c", ping).strip() == "200"


def remove(compose: Compose, *containers: str) -> None:
    compose.docker("rm", "--force", "--volumes", *containers)


def test_the_unchanged_app_becomes_healthy(compose: Compose, image: str, storage: str) -> None:
    container = start(compose, image, storage)
    try:
        becomes(compose, container, "healthy", "healthy\n")
    finally:
        remove(compose, container)


BROKEN = {
    "HelloActivity": (
        "import nothing_of_this_name\n",
        "HelloActivity cannot be loaded: ModuleNotFoundError",
    ),
    "HelloOrchestrator": (
        "def main(:\n",
        "HelloOrchestrator cannot be loaded: SyntaxError",
    ),
    "HttpStarter": ("import nothing_of_this_name\n", "HttpStarter "),
}
"""The code of each function, which cannot be loaded, and the start of the reason."""


@pytest.fixture(scope="module")
def broken(
    compose: Compose, image: str, storage: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Start a container for each broken function. They run beside each other.

    Each needs many seconds until it is unhealthy.
    """
    containers: dict[str, str] = {}
    try:
        for function, (code, _) in BROKEN.items():
            folder = copy(tmp_path_factory.mktemp(function))
            (folder / function / "__init__.py").write_text(code, encoding="utf-8")
            compose.docker("build", "--quiet", f"--tag=broken-{function.lower()}", folder)
            containers[function] = start(compose, f"broken-{function.lower()}", storage)
        yield containers
    finally:
        if containers:
            remove(compose, *containers.values())


@pytest.mark.parametrize("function", BROKEN)
def test_a_function_that_cannot_be_loaded_makes_the_container_unhealthy(
    compose: Compose, broken: dict[str, str], function: str
) -> None:
    becomes(compose, broken[function], "unhealthy", BROKEN[function][1])
