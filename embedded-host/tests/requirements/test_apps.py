"""Apps with the requirements of public apps run on a host that is installed elsewhere.

Each app has a virtual environment with its own requirements.txt only. The host is a wheel in an
environment of its own, as ``pipx install`` creates it. The test is marked ``manual``: it installs
more than twenty environments.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.requirements.apps import APPS, AppRequirements
from tests.support.interpreters import find_python
from tests.support.running_host import RunningHost

PROJECT = Path(__file__).parents[2]
CITIES = ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]
ORCHESTRATORS = {"v1": "HelloCities", "v2": "hello_cities"}
pytestmark = [
    pytest.mark.manual,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("requirements"),  # one worker, so that there is one host environment
]


def run(*command: str | Path, **options: str) -> str:
    """Run a command and return its output. ``options`` are environment variables."""
    finished = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=500,
        env={**environment(), **options},
    )
    assert finished.returncode == 0, f"{command}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def environment() -> dict[str, str]:
    """Return the environment without the variables that select packages or an environment."""
    names = ("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in names}


def make_environment(folder: Path, python: Path | str, *packages: str) -> Path:
    """Create a virtual environment with packages, and return its interpreter.

    uv is used if it is on this machine, because pip takes minutes for all apps. Both keep the
    downloads in a cache.
    """
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", python, folder)
        run(uv, "pip", "install", "--quiet", "--python", executable, *packages)
    else:
        run(python, "-m", "venv", folder)
        run(executable, "-m", "pip", "install", "--quiet", *packages)
    return executable


def use_free_port(path: Path) -> None:
    """Write a free port to a local.settings.json, because other tests may use the default."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**settings, "Host": {"LocalHttpPort": port}}), encoding="utf-8")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the host's wheel."""
    folder = tmp_path_factory.mktemp("host")
    build = ("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    subprocess.run([sys.executable, *build], cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return make_environment(folder / "venv", sys.executable, str(wheel))


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_app_with_its_own_requirements_starts_and_completes_an_orchestration(
    app: AppRequirements,
    host: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    python = find_python(app.python)
    if python is None:
        pytest.skip(f"this machine has no Python {app.python}")
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    root = tmp_path / "app"
    run(host, "-m", "embedded_host", "init", root, "--model", app.model)
    requirements = root / "requirements.txt"
    requirements.write_text("\n".join(app.lines) + "\n", encoding="utf-8")
    make_environment(root / ".venv", python, "-r", str(requirements))

    use_free_port(root / "local.settings.json")  # doctor checks the port of the settings
    # The command fails if it finds an error.
    doctor = json.loads(run(host, "-m", "embedded_host", "doctor", "--script-root", root, "--json"))
    print(f"{app.name}: {[(each['code'], each['text']) for each in doctor['findings']]}")

    with RunningHost(root, tmp_path / "state", python=host) as running:
        line = next(line for line in running.log.splitlines() if line.startswith("Python "))
        record_property("interpreter", line)
        print(f"{app.name}: {line}")
        assert line.startswith(f"Python {app.python}.")
        assert ".venv in the app folder" in line
        start = running.post(f"/api/orchestrators/{ORCHESTRATORS[app.model]}")
        assert start.status == 202, (start, running.log)
        status = running.end(start.json)
        assert (status["runtimeStatus"], status["output"]) == ("Completed", CITIES), running.log


def test_the_table_has_twenty_different_apps_and_each_supported_python_version() -> None:
    assert len(APPS) == 20
    assert max(Counter(app.name for app in APPS).values()) == 1
    assert max(Counter(app.lines for app in APPS).values()) == 1
    assert {app.python for app in APPS} == {"3.9", "3.10", "3.11", "3.12", "3.13"}
