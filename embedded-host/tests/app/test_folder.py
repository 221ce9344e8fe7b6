"""Tests of reading a whole app folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.errors import AppError, HostJsonError
from embedded_host.app.folder import disabled_functions, read_app

OUTPUT = {"type": "http", "name": "$return", "direction": "out"}
ACTIVITY = {"type": "activityTrigger", "name": "input", "direction": "in"}


def write(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            content if isinstance(content, str) else json.dumps(content), encoding="utf-8"
        )
    return root


def http(**properties: Any) -> dict[str, Any]:
    return {
        "bindings": [
            {"type": "httpTrigger", "name": "req", "direction": "in", **properties},
            OUTPUT,
        ]
    }


def app(root: Path, **functions: Any) -> Path:
    write(root, {"host.json": {"version": "2.0"}})
    for name, config in functions.items():
        write(root, {f"{name}/function.json": config, f"{name}/__init__.py": ""})
    return root


def test_functions_are_ordered_by_name_without_regard_to_case(tmp_path: Path) -> None:
    activity = {"bindings": [ACTIVITY]}
    found = read_app(app(tmp_path, b=activity, A=activity, c_1=activity, CA=activity), {})
    assert [function.name for function in found.functions] == ["A", "b", "CA", "c_1"]


def test_an_invalid_function_does_not_disable_other_functions(tmp_path: Path) -> None:
    app(tmp_path, Good={"bindings": [ACTIVITY]}, Bad={"bindings": []}, Torn="{")
    found = read_app(tmp_path, {})
    assert [function.name for function in found.functions] == ["Good"]
    assert {problem.function for problem in found.problems} == {"Bad", "Torn"}


def test_folders_without_function_json_are_ignored(tmp_path: Path) -> None:
    app(tmp_path, Good={"bindings": [ACTIVITY]})
    write(
        tmp_path,
        {".venv/lib/function.json": "{", "node_modules/x.json": "{", "shared/__init__.py": ""},
    )
    assert read_app(tmp_path, {}).problems == ()


def test_local_settings_resolve_percent_names_and_the_environment_overrides_them(
    tmp_path: Path,
) -> None:
    write(
        app(tmp_path, Good={"bindings": [{**ACTIVITY, "activity": "%NAME%"}]}),
        {
            "host.json": {"version": "2.0", "extensions": {"durableTask": {"hubName": "%HUB%"}}},
            "local.settings.json": {
                "IsEncrypted": False,
                "Values": {"HUB": "FromFile", "NAME": "Named"},
            },
        },
    )
    found = read_app(tmp_path, {})
    assert (found.host.hub_name, found.functions[0].durable_name) == ("FromFile", "Named")
    assert read_app(tmp_path, {"HUB": "FromEnviron"}).host.hub_name == "FromEnviron"
    assert found.problems == ()


def test_a_worker_runtime_other_than_python_is_a_warning(tmp_path: Path) -> None:
    (problem,) = read_app(
        app(tmp_path, F={"bindings": [ACTIVITY]}), {"FUNCTIONS_WORKER_RUNTIME": "node"}
    ).problems
    assert "'node'" in problem.fault


def test_of_names_that_differ_only_in_case_the_first_is_enabled(tmp_path: Path) -> None:
    app(tmp_path, Hello={"bindings": [ACTIVITY]})
    if (tmp_path / "HELLO").exists():
        pytest.skip("a file system without regard to case has no such folders")
    app(tmp_path, hello={"bindings": [ACTIVITY]})
    found = read_app(tmp_path, {})
    assert [function.name for function in found.functions] == ["Hello"]
    (problem,) = found.problems
    assert problem.function == "hello"
    assert "differ only in case" in problem.fault


def test_a_conflict_of_routes_disables_the_second_function(tmp_path: Path) -> None:
    found = read_app(app(tmp_path, A=http(route="x"), B=http(route="X")), {})
    assert len(found.functions) == 2
    (problem,) = found.problems
    assert problem.function == "B"
    assert problem.location.startswith("B/function.json:1:")


def test_functions_without_host_json_put_the_host_in_error(tmp_path: Path) -> None:
    app(tmp_path, A=http(route="x"))
    (tmp_path / "host.json").unlink()
    with pytest.raises(HostJsonError, match=r"host\.json: The file does not exist") as raised:
        read_app(tmp_path, {})
    (content,) = re.findall(r"Create the file with the content (\{.*\})\. Or", str(raised.value))
    write(tmp_path, {"host.json": content})
    assert read_app(tmp_path, {}).host.has_bundle


@pytest.mark.parametrize(
    ("name", "value", "disabled"),
    [
        ("AzureWebJobs.Hello.Disabled", "true", True),
        ("AzureWebJobs.hello.disabled", "True", True),
        ("AzureWebJobs.Hello.Disabled", "1", True),
        ("AzureWebJobs_Hello_Disabled", "true", True),
        ("AzureWebJobs.Hello.Disabled", "false", False),
        ("AzureWebJobs.Other.Disabled", "true", False),
    ],
)
def test_a_setting_disables_a_function(
    tmp_path: Path, name: str, value: str, disabled: bool
) -> None:
    assert disabled_functions(["Hello"], {name: value}) == (
        frozenset({"Hello"}) if disabled else frozenset()
    )
    found = read_app(app(tmp_path, Hello={"bindings": [ACTIVITY]}), {name: value})
    assert found.disabled == (frozenset({"Hello"}) if disabled else frozenset())
    assert len(found.functions) == 1


def test_a_folder_with_function_app_py_is_a_v2_app(tmp_path: Path) -> None:
    write(tmp_path, {"host.json": {"version": "2.0"}, "function_app.py": ""})
    found = read_app(tmp_path, {})
    assert found.uses_v2_model
    assert found.functions == ()


@pytest.mark.parametrize(
    ("name", "is_v2"), [("main_app.py", False), ("main_app", True), ("src/main_app.py", True)]
)
def test_the_script_file_name_selects_the_model(tmp_path: Path, name: str, is_v2: bool) -> None:
    write(tmp_path, {"host.json": {"version": "2.0"}, "function_app.py": ""})
    found = read_app(tmp_path, {"PYTHON_SCRIPT_FILE_NAME": name})
    assert found.uses_v2_model is is_v2, "the worker reports a name that is not valid"


def test_an_app_without_functions_has_a_warning(tmp_path: Path) -> None:
    app(tmp_path)
    [problem] = read_app(tmp_path, {}).problems
    assert "No job functions found. " in str(problem)
    assert "(*/function.json) and no function_app.py" in str(problem)
    write(tmp_path, {"src/Deep/function.json": {}})
    assert "Move src/Deep there" in str(read_app(tmp_path, {}).problems[0])


def test_an_error_names_apps_in_parent_folders_and_subfolders(tmp_path: Path) -> None:
    folder = tmp_path / "parent" / "here"
    folder.mkdir(parents=True)
    with pytest.raises(
        AppError, match=r"has no host\.json.*--script-root\. The parent folders and the subfolders"
    ):
        read_app(folder, {})
    app(folder / "child")
    with pytest.raises(AppError) as raised:
        read_app(folder, {})
    assert (
        f"Apps nearby: {folder / 'child'}. Run the command in an app folder, or pass the app "
        "folder with --script-root." in str(raised.value)
    )
    app(tmp_path / "parent")
    with pytest.raises(AppError) as raised:
        read_app(folder, {})
    assert f"{tmp_path / 'parent'}, {folder / 'child'}" in str(raised.value)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"The folder does not exist.*--script-root") as raised:
        read_app(tmp_path / "none", {})
    assert str(tmp_path / "none") in str(raised.value)


def test_the_root_of_an_app_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app(tmp_path, Good={"bindings": [ACTIVITY]})
    monkeypatch.chdir(tmp_path)
    found = read_app(Path(), {})
    assert found.root == Path.cwd()
    assert found.functions[0].script_file == Path.cwd() / "Good" / "__init__.py"
