"""``.vscode/`` and ``.devcontainer/``: what VS Code asks of these files, and that what they name is there."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosting.documents import ROOT, own_schema, problems, read_jsonc

FILES = {
    ".vscode/tasks.json": "tasks.json",
    ".vscode/launch.json": "launch.json",
    ".vscode/settings.json": "settings.json",
    ".vscode/extensions.json": "extensions.json",
    ".devcontainer/devcontainer.json": "devcontainer.json",
}
TASKS: dict[str, dict[str, Any]] = {task["label"]: task for task in read_jsonc(".vscode/tasks.json")["tasks"]}
LAUNCH: dict[str, dict[str, Any]] = {c["name"]: c for c in read_jsonc(".vscode/launch.json")["configurations"]}


def test_every_file_is_validated() -> None:
    found = {*ROOT.glob(".vscode/*"), *ROOT.glob(".devcontainer/*")}
    assert {file.relative_to(ROOT).as_posix() for file in found} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_as_its_reader_asks(name: str) -> None:
    assert not problems(read_jsonc(name), own_schema(FILES[name]))


Break = Callable[[Any], object]


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        (".vscode/tasks.json", lambda d: d.update(version="0.1.0"), "'2.0.0' was expected"),
        (".vscode/tasks.json", lambda d: d["tasks"][0].update(type="python"), "'python' is not one of"),
        (".vscode/tasks.json", lambda d: d["tasks"][0].update(dependson="x"), "'dependson' was unexpected"),
        (".vscode/tasks.json", lambda d: d["tasks"][4].update(command="start"), "'start' is not one of"),
        (".vscode/launch.json", lambda d: d["configurations"][0].update(type="python"), "'debugpy' was expected"),
        (".vscode/launch.json", lambda d: d["configurations"][0]["connect"].update(port="9091"), "not of type"),
        (".vscode/launch.json", lambda d: d["configurations"][1].pop("module"), "'request': 'launch', 'args'"),
        (".vscode/settings.json", lambda d: d.update({"python.pythonPath": "x"}), "'python.pythonPath' was unexpected"),
        (".vscode/extensions.json", lambda d: d["recommendations"].append("ruff"), "'ruff' does not match"),
        (".devcontainer/devcontainer.json", lambda d: d.pop("image"), "'image' is a required property"),
    ],
)
def test_a_mistake_is_found(name: str, damage: Break, said: str) -> None:
    document = copy.deepcopy(read_jsonc(name))
    damage(document)
    assert said in "\n".join(problems(document, own_schema(FILES[name])))


# -- tasks -----------------------------------------------------------------------------------------


def chain(label: str) -> Iterator[str]:
    """The tasks that run before one, and it: the first one first."""
    before = TASKS[label].get("dependsOn", [])
    for name in [before] if isinstance(before, str) else before:
        yield from chain(name)
    yield label


def test_func_start_runs_what_it_needs_one_after_the_other() -> None:
    steps = ["python venv", "pip upgrade", "pip install", "start Azurite", "func: host start"]
    assert list(chain("func: host start")) == steps
    assert len(TASKS) == len(read_jsonc(".vscode/tasks.json")["tasks"])  # no label twice


def test_what_runs_on_is_waited_for_until_it_is_ready() -> None:
    """A debugger that attaches, and a host that starts, need what is before them to listen."""
    background = TASKS["start Azurite"]["problemMatcher"]["background"]
    # as Azurite 3.37 was seen to print it
    assert re.search(background["beginsPattern"], "Azurite Blob service is starting at http://127.0.0.1:10000")
    assert re.search(
        background["endsPattern"], "Azurite Table service is successfully listening at http://127.0.0.1:10002"
    )
    assert TASKS["start Azurite"]["isBackground"]
    assert TASKS["func: host start"]["isBackground"]
    assert TASKS["func: host start"]["problemMatcher"] == "$func-python-watch"


def _command(task: dict[str, Any], folder: Path) -> list[str]:
    own = task.get("windows", {}) if sys.platform == "win32" else {}
    values = {"${workspaceFolder}": str(folder), "${command:python.interpreterPath}": sys.executable}
    words = [own.get("command", task["command"]), *task.get("args", [])]
    for name, value in values.items():
        words = [word.replace(name, value) for word in words]
    assert not [word for word in words if "${" in word]
    return words


def test_the_tasks_make_the_environment_of_func(tmp_path: Path) -> None:
    """They are run here as VS Code would, but for what only a registry has: pip then says so itself."""
    (tmp_path / "requirements.txt").write_text("", encoding="utf-8")
    for label in ("python venv", "pip upgrade", "pip install"):
        command = _command(TASKS[label], tmp_path)
        if label == "pip upgrade":
            command = [*command, "--no-index"]  # pip is there already: nothing to ask for
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, f"{label}: {done.stdout}{done.stderr}"
    venv = read_jsonc(".vscode/settings.json")["azureFunctions.pythonVenv"]
    assert (tmp_path / venv / "pyvenv.cfg").is_file()


def test_the_tasks_of_this_repository_are_those_of_dev_py() -> None:
    for label, arguments in {
        "dev.py venv": ["start", "--help"],
        "embedded host start": ["start"],
        "test": ["test"],
        "check": ["check"],
    }.items():
        assert TASKS[label]["args"] == ["dev.py", *arguments]


# -- launch.json -----------------------------------------------------------------------------------


def test_f5_attaches_to_func_start() -> None:
    first = next(iter(LAUNCH.values()))
    assert first["request"] == "attach"
    assert first["preLaunchTask"] == "func: host start"
    assert first["connect"]["port"] == 9091  # where the Azure Functions extension has debugpy listen


def test_the_second_configuration_starts_the_embedded_host_in_one_process() -> None:
    second = LAUNCH["Debug on the embedded host"]
    assert second["module"] == "embedded_host"
    command = [sys.executable, "-m", second["module"], *second["args"], "--help"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60).returncode == 0
    assert "--in-process" in second["args"]
    assert second["python"].removeprefix("${workspaceFolder}/") == ".venv/bin/python"
    assert second["windows"]["python"].removeprefix("${workspaceFolder}\\") == ".venv\\Scripts\\python.exe"


@pytest.mark.parametrize("name", LAUNCH)
def test_the_task_before_it_exists(name: str) -> None:
    assert LAUNCH[name]["preLaunchTask"] in TASKS


# -- the container to develop in -------------------------------------------------------------------


def test_the_container_has_what_f5_needs() -> None:
    container = read_jsonc(".devcontainer/devcontainer.json")
    assert "python:3.11" in container["image"]
    assert any("/node:" in feature for feature in container["features"])
    assert "azure-functions-core-tools@4" in container["onCreateCommand"]
    assert "azurite@" in container["onCreateCommand"]
    assert 7071 in container["forwardPorts"]
    recommended = read_jsonc(".vscode/extensions.json")["recommendations"]
    assert container["customizations"]["vscode"]["extensions"] == recommended
