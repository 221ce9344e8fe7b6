"""The command ``init``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from embedded_host.cli import init
from embedded_host.cli.init import hub_name
from embedded_host.cli.installation import own_requirement
from tests.cli.calling import call
from tests.support.app_python import app_python
from tests.support.running_host import RunningHost
from tests.support.sdk2 import NEEDS_SDK_2
from tests.testing.test_plugin import run_pytest

NOT_JSON = "The request body is not valid JSON."


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "name"), [([], "hello_cities"), (["--model", "v1"], "HelloCities")]
)
def test_a_new_app_runs(tmp_path: Path, arguments: list[str], name: str) -> None:
    root = tmp_path / "my new-app"
    called = call("init", root, *arguments)
    assert called.code == 0
    assert f"--function-name {name}" in called.out
    assert (root / ".gitignore").is_file()
    assert (root / ".funcignore").is_file()
    assert not [path for path in root.rglob("*") if "__pycache__" in path.parts]
    with RunningHost(root, tmp_path / "state") as host:
        started = host.post(
            f"/api/orchestrators/{name}", '{"a": 1}', Content_Type="application/json"
        )
        assert started.status == 202, host.log
        assert host.end(started.json)["output"] == [
            "Hello Tokyo!",
            "Hello Seattle!",
            "Hello London!",
        ]
        assert "taskHub=MyNewAppHub" in started.json["statusQueryGetUri"]
        invalid = host.post(f"/api/orchestrators/{name}", '{"a": ', Content_Type="application/json")
        assert (invalid.status, invalid.text) == (400, NOT_JSON), host.log
        plain = host.get(f"/api/orchestrators/{name}")
        assert host.end(plain.json)["runtimeStatus"] == "Completed"
        for word in ("Traceback", "cannot be served", "no effect", "not used"):
            assert word not in host.log
        assert host.stop() == 0, host.log


@pytest.mark.process
@NEEDS_SDK_2
def test_a_new_app_for_sdk_2_runs(tmp_path: Path) -> None:
    root = tmp_path / "my-app"
    assert call("init", root, "--sdk", "2").code == 0
    with RunningHost(root, tmp_path / "state") as host:
        started = host.post("/api/orchestrators/hello_cities", {"a": 1})
        assert started.status == 202, host.log
        invalid = host.post("/api/orchestrators/hello_cities", '{"a": ')
        assert (invalid.status, invalid.text) == (400, NOT_JSON), host.log
        assert host.end(started.json)["output"] == [
            "Hello Tokyo!",
            "Hello Seattle!",
            "Hello London!",
        ]
        for word in ("Traceback", "cannot be served", "no effect", "without effect", "not used"):
            assert word not in host.log
        assert host.stop() == 0, host.log


@pytest.mark.process
@NEEDS_SDK_2
def test_the_tests_of_a_new_app_for_sdk_2_pass_and_fail(tmp_path: Path) -> None:
    root = tmp_path / "my-app"
    call("init", root, "--sdk", "2")
    python = app_python() or sys.executable
    assert "2 passed" in run_pytest(root, python=python)
    path = root / "function_app.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("London", "Paris"), encoding="utf-8")
    assert "2 failed" in run_pytest(root, python=python)


def test_the_app_for_sdk_2_has_its_own_requirements_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "find_python", lambda: "/pyenv/3.13.0/bin/python")
    root = tmp_path / "my-app"
    called = call("init", root, "--sdk", "2")
    requirements = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert requirements[-2:] == [
        "azure-functions>=2.3.0b2",
        "azure-functions-durable>=2.0.0rc3",
    ]
    durable = json.loads((root / "host.json").read_text(encoding="utf-8"))["extensions"][
        "durableTask"
    ]
    assert durable == {"hubName": "MyAppHub", "entityMessageReorderWindowInMinutes": 0}
    assert "Its SDK needs Python 3.13 or newer." in called.out
    assert f"  /pyenv/3.13.0/bin/python -m venv {root / '.venv'}\n" in called.out
    assert f"-m pip install -r {root / 'requirements.txt'}" in called.out
    assert f"-m pip install -r {root / 'requirements-dev.txt'}\n" in called.out
    assert "    python3.13 -m venv .venv\n" in (root / "README.md").read_text(encoding="utf-8")


def test_a_missing_python_for_sdk_2_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "find_python", lambda: None)
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    output = call("init", tmp_path / "my-app", "--sdk", "2").out
    assert (
        "It was not found on this machine. Install Python 3.13, and create the app's environment:"
        "\n\n  python3.13 -m venv "
    ) in output


def test_the_commands_for_the_tests_install_pytest_and_the_host_if_the_host_is_a_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "find_spec", lambda _: None)
    root = tmp_path / "my-app"
    output = call("init", root).out
    python = root / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    assert output.endswith(
        f"  {sys.executable} -m venv {root / '.venv'}\n"
        f"  {python} -m pip install -r {root / 'requirements-dev.txt'}\n"
        f"  {python} -m pytest {root}\n"
    )


def test_sdk_2_has_no_v1_model(tmp_path: Path) -> None:
    called = call("init", tmp_path / "app", "--sdk", "2", "--model", "v1")
    assert called.code == 1
    assert "[EH534]" in called.err
    assert not (tmp_path / "app").exists()


@pytest.mark.process
@pytest.mark.parametrize("model", ["v1", "v2"])
def test_the_tests_of_a_new_app_pass_and_fail(tmp_path: Path, model: str) -> None:
    root = tmp_path / "my new-app"
    output = call("init", root, "--model", model).out
    if sys.platform != "win32":  # cmd uses other quotes
        assert f"python -m pytest '{root}'" in output
        assert output.count(f"--script-root '{root}'") == 2
    assert "2 passed" in run_pytest(root)
    for path in (root / "HelloCities" / "__init__.py", root / "function_app.py"):
        if path.is_file():
            path.write_text(
                path.read_text(encoding="utf-8").replace("London", "Paris"), encoding="utf-8"
            )
    assert "2 failed" in run_pytest(root)


def test_the_current_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    called = call("init")
    assert called.code == 0
    assert "embedded-host start\n" in called.out
    assert (tmp_path / "function_app.py").is_file()


def test_a_path_through_a_missing_folder_does_not_overwrite_an_app(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text("mine", encoding="utf-8")
    called = call("init", f"{tmp_path}/new/../app")
    assert called.code == 1
    assert "[EH530]" in called.err
    assert (app / "function_app.py").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["app"]


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("mine", encoding="utf-8")
    called = call("init", tmp_path, "--model", "v1")
    assert called.code == 1
    assert f"{tmp_path / 'host.json'} exists, so nothing was written." in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["host.json"]
    assert (tmp_path / "host.json").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    called = call("init", tmp_path / "file" / "app")
    assert called.code == 1
    assert "The app cannot be written" in called.err


@pytest.mark.parametrize("arguments", [[], ["--model", "v1"], ["--sdk", "2"]])
def test_a_new_app_has_files_for_development(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(init, "find_python", lambda: None)
    root = tmp_path / "my-app"
    assert call("init", root, *arguments).code == 0
    name = "HelloCities" if "v1" in arguments else "hello_cities"
    texts = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }
    assert texts["requirements-dev.txt"].splitlines()[1:] == [
        "-r requirements.txt",
        "pytest",
        "pytest-asyncio",
        own_requirement(),
    ]
    (debug,) = json.loads(texts[".vscode/launch.json"])["configurations"]
    assert (debug["module"], debug["args"]) == ("embedded_host", ["start", "--in-process"])
    assert "asyncio_mode = auto\n" in texts["pytest.ini"]
    readme = texts["README.md"].splitlines()
    assert readme[0] == "# my-app"
    assert len(readme) <= 12
    assert f"<http://localhost:7071/api/orchestrators/{name}>" in texts["README.md"]
    placeholders = ("APP_NAME", "TASK_HUB", "ORCHESTRATOR_NAME", "_COMMAND", "_REQUIREMENT")
    assert not [file for file, text in texts.items() if any(p in text for p in placeholders)]


def test_a_readme_is_kept(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    called = call("init", tmp_path)
    assert called.code == 0
    assert "README" not in called.out
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "host.json").is_file()


@pytest.mark.parametrize(
    ("folder", "hub"),
    [
        ("my-app", "MyAppHub"),
        ("a", "AHub"),
        ("7days", "MyTaskHub"),
        ("äöü", "MyTaskHub"),
        ("x" * 80, "X" + "x" * 41 + "Hub"),
    ],
)
def test_the_task_hub_is_named_after_the_folder(folder: str, hub: str) -> None:
    assert hub_name(Path("/apps") / folder) == hub
    assert 3 <= len(hub) <= 45
