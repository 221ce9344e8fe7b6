"""Tests that the tasks and extensions of .vscode and .devcontainer exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INTERPRETER = "python.defaultInterpreterPath"


def read(name: str) -> Any:
    """Parse JSON with comments. A comment must be a whole line."""
    return json.loads(
        re.sub(r"^\s*//.*$", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    )


TASKS: dict[str, dict[str, Any]] = {
    task["label"]: task for task in read(".vscode/tasks.json")["tasks"]
}


def test_every_task_that_is_named_exists() -> None:
    named = [task["dependsOn"] for task in TASKS.values() if "dependsOn" in task]
    named += [
        configuration["preLaunchTask"]
        for configuration in read(".vscode/launch.json")["configurations"]
    ]
    assert len(named) > 3
    assert set(named) <= set(TASKS)


def test_the_tasks_of_this_repository_call_dev_py() -> None:
    calls = [task["args"] for task in TASKS.values() if "dev.py" in task.get("args", [])]
    assert calls == [
        ["dev.py", "start", "--help"],
        ["dev.py", "start", "--in-process", "--help"],
        ["dev.py", "start"],
        ["dev.py", "test"],
        ["dev.py", "check"],
    ]
    assert (ROOT / "dev.py").is_file()


def test_the_environments_are_those_of_dev_py() -> None:
    dev = (ROOT / "dev.py").read_text(encoding="utf-8")
    settings = read(".vscode/settings.json")
    (debugged,) = (
        configuration
        for configuration in read(".vscode/launch.json")["configurations"]
        if "--in-process" in configuration.get("args", [])
    )
    app, development = settings["azureFunctions.pythonVenv"], settings[INTERPRETER].split("/")[1]
    assert re.search(rf'^APP, .* = ROOT / "{app}", .*ROOT / "{development}"$', dev, re.MULTILINE)
    assert f"/{development}/bin/" in debugged["python"]
    assert f"\\{development}\\Scripts\\" in debugged["windows"]["python"]
    assert all((ROOT / path).exists() for path in settings["python.testing.pytestArgs"])


def test_the_container_has_the_recommended_extensions() -> None:
    container = read(".devcontainer/devcontainer.json")["customizations"]["vscode"]["extensions"]
    assert container == read(".vscode/extensions.json")["recommendations"]
