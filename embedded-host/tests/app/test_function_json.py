"""Tests of valid function.json files, and of the problems of invalid ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import Function
from embedded_host.app.function_json import FunctionFolder, read_function
from embedded_host.app.function_retry import FunctionRetry

TRIGGER = {"type": "httpTrigger", "name": "req", "direction": "in"}
OUTPUT = {"type": "http", "name": "$return", "direction": "out"}
ACTIVITY = {"type": "activityTrigger", "name": "input", "direction": "in"}


def read(
    tmp_path: Path, content: Any, name: str = "Hello", files: tuple[str, ...] = ("__init__.py",)
) -> FunctionFolder:
    folder = tmp_path / name
    folder.mkdir()
    for file in files:
        (folder / file).touch()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "function.json").write_text(text, encoding="utf-8")
    return read_function(folder, {"QUEUE": "orders"})


def bindings(*entries: Any, **other: Any) -> dict[str, Any]:
    return {**other, "bindings": list(entries)}


def test_a_valid_function_json_becomes_a_function(tmp_path: Path) -> None:
    content = bindings(
        {**TRIGGER, "methods": ["get"], "route": "hi/{name}"}, OUTPUT, scriptFile="__init__.py"
    )
    found = read(tmp_path, content)
    assert found.problems == ()
    assert isinstance(found.function, Function)
    assert found.function.script_file == tmp_path / "Hello" / "__init__.py"
    assert found.function.directory == tmp_path / "Hello"
    assert found.function.entry_point == "main"
    assert found.function.config == content
    assert [(b.type, b.name, b.direction) for b in found.function.bindings] == [
        ("httpTrigger", "req", "in"),
        ("http", "$return", "out"),
    ]
    assert found.function.trigger.properties["methods"] == ["get"]


def test_properties_of_bindings_are_not_case_sensitive(tmp_path: Path) -> None:
    entry = {
        "Type": "HTTPTRIGGER",
        "Name": "req",
        "Direction": "IN",
        "AuthLevel": "Anonymous",
        "METHODS": ["GET"],
    }
    found = read(tmp_path, bindings(entry, OUTPUT))
    assert found.problems == ()
    assert found.function is not None
    trigger = found.function.trigger
    assert (trigger.type, trigger.name, trigger.direction) == ("httpTrigger", "req", "in")
    assert trigger.properties["authLevel"] == "Anonymous"
    assert trigger.properties["methods"] == ["GET"]


@pytest.mark.parametrize(
    ("files", "config", "script", "entry_point"),
    [
        (("__init__.py", "main.py"), {}, "Hello/__init__.py", "main"),
        (("hello.py",), {}, "Hello/hello.py", "main"),  # the only file beside function.json
        (("run.py", "__init__.py"), {}, "Hello/run.py", "main"),
        (
            ("__init__.py", "other.py"),
            {"scriptFile": "other.py", "entryPoint": "run"},
            "Hello/other.py",
            "run",
        ),
        (("__init__.py",), {"scriptFile": "../common.py", "entryPoint": ""}, "common.py", "main"),
        (("__init__.py",), {"scriptFile": "..\\common.py"}, "common.py", "main"),
    ],
)
def test_script_file_and_entry_point_have_the_defaults_of_the_functions_host(
    tmp_path: Path, files: tuple[str, ...], config: dict[str, Any], script: str, entry_point: str
) -> None:
    (tmp_path / "common.py").touch()
    function = read(tmp_path, bindings(ACTIVITY, **config), files=files).function
    assert function is not None
    assert function.script_file == tmp_path / script
    assert function.entry_point == entry_point


@pytest.mark.parametrize("name", ["my_input", "_", "input_2", "A" * 128])
def test_valid_binding_names_are_accepted(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, bindings({**ACTIVITY, "name": name}))
    assert found.problems == ()
    assert found.function is not None
    assert found.function.trigger.name == name


@pytest.mark.parametrize(
    ("entry", "key", "value"),
    [
        (
            {"type": "durableClient", "name": "c", "direction": "in", "taskHub": "%QUEUE%"},
            "taskHub",
            "orders",
        ),
        (
            {"type": "queue", "name": "q", "direction": "out", "queueName": "x-%queue%"},
            "queueName",
            "x-orders",
        ),
        (
            {"type": "queue", "name": "q", "direction": "out", "connection": "%QUEUE%"},
            "connection",
            "%QUEUE%",
        ),
        ({**TRIGGER, "route": "%QUEUE%"}, "route", "%QUEUE%"),
    ],
)
def test_percent_names_are_resolved_in_the_properties_of_the_functions_host(
    tmp_path: Path, entry: dict[str, str], key: str, value: str
) -> None:
    others = [] if entry["type"] == "httpTrigger" else [ACTIVITY]
    function = read(tmp_path, bindings(entry, *others, OUTPUT)).function
    assert function is not None
    assert function.bindings[0].properties[key] == value


def http(**properties: Any) -> dict[str, Any]:
    return bindings({**TRIGGER, **properties}, OUTPUT)


BROKEN: list[tuple[Any, str, str]] = [
    ('{"bindings": [', "[", "is not valid JSON: '[' has no closing"),
    ("[]", "[]", "must be an object"),
    ({}, "{}", "At least one binding must be declared. The file has no 'bindings'."),
    ({"Bindings": []}, '"Bindings"', "Rename 'Bindings' to 'bindings'."),
    ({"bindings": {}}, "{}}", "'bindings' must be a list"),
    ({"bindings": []}, "[]}", "The 'Hello' function is in error: At least one binding must be"),
    (bindings("x"), '"x"', "must be an object"),
    (bindings({"name": "x"}), '{"name": "x"}]}', "has no 'type'"),
    (
        bindings({"tpye": "httpTrigger", "name": "x"}),
        '"tpye"',
        "Rename 'tpye' to 'type'.",
    ),
    (bindings({"type": 1, "name": "x"}), "1", "'type' must be a string"),
    (
        bindings({"type": "activityTrigger", "nme": "x", "direction": "in"}),
        '"nme"',
        "Rename 'nme' to 'name'.",
    ),
    (bindings({"type": "httpTriger", "name": "x"}), '"httpTriger"', "Did you mean 'httpTrigger'?"),
    (
        bindings(ACTIVITY, {"type": "durableCleint", "name": "c"}),
        '"durableCleint"',
        "Did you mean 'durableClient'?",
    ),
    (
        bindings({**ACTIVITY, "direction": "inn"}),
        '"inn"',
        "'inn' is not a valid binding direction. Did you mean 'in'?",
    ),
    (
        bindings({**ACTIVITY, "direction": "out"}),
        '"out"',
        "direction of a trigger must be 'in', but is 'out'",
    ),
    (
        bindings({**ACTIVITY, "name": "my__input"}),
        '"my__input"',
        "The binding name my__input is invalid. Please assign a valid name to the binding.",
    ),
    (
        bindings({**ACTIVITY, "name": "my-input"}),
        '"my-input"',
        "The binding name my-input is invalid. Please assign a valid name to the binding.",
    ),
    (bindings({**ACTIVITY, "name": "$return"}), '"$return"', "The binding is a trigger."),
    (
        bindings(ACTIVITY, {**OUTPUT, "type": "queue", "direction": "in"}),
        '"in"',
        "$return bindings must specify a direction of 'out'.",
    ),
    (
        bindings(TRIGGER, {**OUTPUT, "direction": "in"}),
        '"in"',
        "$return bindings must specify a direction of 'out'.",
    ),
    (
        bindings(TRIGGER, {**OUTPUT, "name": "out", "direction": "in"}),
        '"in"',
        "it is the response",
    ),
    (
        bindings(OUTPUT),
        '[{"type": "http", "name"',
        "No trigger binding specified. A function must have a trigger input binding.",
    ),
    (
        bindings(ACTIVITY, TRIGGER),
        '{"type": "httpTrigger", ',
        "A function can only have a single trigger binding. The first trigger is activityTrigger.",
    ),
    (
        bindings(ACTIVITY, {**OUTPUT, "name": "Input"}),
        '{"type": "http", "name":',
        "Multiple bindings with name 'Input' discovered. Binding names must be unique.",
    ),
    (http(methods="get"), '"get"', "'methods' must be a list"),
    (http(methods=["get", 1]), "1", "1 is not an HTTP method"),
    (http(authLevel="anonymus"), '"anonymus"', "Did you mean 'anonymous'?"),
    (http(authLevel=0), "0", "0 is not an access level"),
    (http(route=1), "1", "'route' must be a string"),
    (http(route="a/{id:itn}"), "itn", "the constraint 'itn' does not exist"),
    (http(route="a\\d/{"), '{"}, {"type": "http", "n', "the '{' has no '}'"),
    (http(route="/a"), "/", "Remove the '/' at its start"),
    ({"bindings": [ACTIVITY], "entryPoint": 1}, "1", "entryPoint must be"),
    ({"scriptFile": 1, "bindings": [ACTIVITY]}, "1", "scriptFile must be"),
    (
        {"scriptFile": "_init_.py", "bindings": [ACTIVITY]},
        '"_init_.py"',
        "Did you mean '__init__.py'?",
    ),
    (
        {"scriptFile": "run.py", "bindings": [ACTIVITY]},
        '"run.py"',
        "The folder has the Python files __init__.py",
    ),
    (
        {"scriptFile": "function.json", "bindings": [ACTIVITY]},
        '"function.json"',
        "not a Python file",
    ),
    (
        bindings(ACTIVITY, {"type": "nosuch", "name": "x", "direction": "out"}),
        '"nosuch"',
        "The binding type(s) 'nosuch' are not registered.",
    ),
    (
        bindings({**ACTIVITY, "activity": "%NONE%"}),
        '"%NONE%"',
        "the setting '%NONE%' does not exist",
    ),
]


def source_at(location: str, content: Any) -> str:
    """Return the rest of the line at the location of a problem."""
    file, line, column = location.rsplit(":", 2)
    assert file == "Hello/function.json"
    text = content if isinstance(content, str) else json.dumps(content)
    return str(text).splitlines()[int(line) - 1][int(column) - 1 :]


@pytest.mark.parametrize(
    ("content", "source", "text"), BROKEN, ids=[broken[2] for broken in BROKEN]
)
def test_an_invalid_function_json_disables_the_function(
    tmp_path: Path, content: Any, source: str, text: str
) -> None:
    found = read(tmp_path, content)
    assert found.function is None
    problem = next(problem for problem in found.problems if text in str(problem))
    assert source_at(problem.location, content).startswith(source)
    assert problem.function == "Hello"
    assert not problem.fatal


def test_a_fault_is_reported_once(tmp_path: Path) -> None:
    for index, (content, _, _) in enumerate(BROKEN):
        folder = tmp_path / str(index)
        folder.mkdir()
        assert len(read(folder, content).problems) == 1, content


def test_all_faults_of_a_file_are_reported(tmp_path: Path) -> None:
    found = read(tmp_path, bindings({**TRIGGER, "authLevel": "x", "methods": 1}, {"type": "http"}))
    assert (
        len([problem for problem in found.problems if problem.function]) == 4
    )  # with name and direction of http


@pytest.mark.parametrize("name", ["1st", "my.function", "host", "Host", "a" * 129, "with blank"])
def test_an_invalid_function_name_is_an_error(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, bindings(ACTIVITY), name=name)
    assert found.function is None
    assert found.problems[0].fault == f"'{name}' is not a valid function name."


WARNINGS: list[tuple[Any, str, str]] = [
    (
        http(methdos=["get"]),
        '"methdos"',
        "has no effect. The function accepts every method. Did you mean 'methods'?",
    ),
    (http(autLevel="anonymous"), '"autLevel"', "Did you mean 'authLevel'?"),
    (
        bindings({"type": "activityTrigger", "name": "x", "dirction": "in"}),
        '"dirction"',
        "Did you mean 'direction'?",
    ),
    (
        bindings({"type": "activityTrigger", "name": "x"}),
        '{"type": "activityTrigge',
        "has no 'direction'. The default is 'in'",
    ),
    (http(methods=["psot"]), '"psot"', "receives only it. Did you mean 'POST'?"),
    (http(methods=[]), '[]}, {"type": "http", "n', "the function receives no requests"),
    (bindings(TRIGGER), '[{"type": "httpTrigger",', "The function has no http output binding"),
    ({"bindings": [ACTIVITY], "disabled": True}, '"disabled"', "AzureWebJobs.Hello.Disabled=true"),
    ({"bindings": [ACTIVITY], "scriptfile": "x.py"}, '"scriptfile"', "Did you mean 'scriptFile'?"),
    ('// mine\n{"bindings": [' + json.dumps(ACTIVITY) + "]}", "//", "JSON has no comments"),
]


@pytest.mark.parametrize(
    ("content", "source", "text"), WARNINGS, ids=[warning[2] for warning in WARNINGS]
)
def test_a_warning_does_not_disable_the_function(
    tmp_path: Path, content: Any, source: str, text: str
) -> None:
    found = read(tmp_path, content)
    assert found.function is not None
    (problem,) = found.problems
    assert text in str(problem)
    assert source_at(problem.location, content).startswith(source)
    assert problem.function is None


@pytest.mark.parametrize(
    "content",
    [
        bindings({"type": "orchestrationClient", "name": "x", "direction": "in"}, ACTIVITY),
        bindings(
            {
                "type": "queueTrigger",
                "name": "m",
                "direction": "in",
                "queueName": "q",
                "connection": "",
            }
        ),
        bindings({**ACTIVITY, "somethingElse": 1}, somethingElse=1, disabled=False),
        http(methods=["PROPFIND", "get"]),
        http(route=None, authLevel="ADMIN"),
        bindings({**TRIGGER}, {**OUTPUT, "name": "res"}),
    ],
)
def test_content_that_the_host_does_not_read_is_accepted(tmp_path: Path, content: Any) -> None:
    found = read(tmp_path, content)
    assert found.problems == ()
    assert found.function is not None


def test_a_binding_type_that_is_not_known_is_accepted_with_a_bundle(tmp_path: Path) -> None:
    entry = {"type": "myOwnOutput", "name": "x", "direction": "out"}
    assert read(tmp_path, bindings(ACTIVITY, entry)).function is None
    read_again = read_function(tmp_path / "Hello", {}, has_bundle=True)
    assert read_again.function is not None
    assert read_again.problems == ()


def test_the_location_of_the_route_is_recorded(tmp_path: Path) -> None:
    assert read(tmp_path, http(route="x")).route_location == "Hello/function.json:1:82"
    assert read(tmp_path, http(), name="Other").route_location == "Other/function.json:1:24"


def test_a_retry_policy_is_read(tmp_path: Path) -> None:
    policy = {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "00:00:05"}
    found = read(tmp_path, bindings(ACTIVITY, retry=policy))
    assert found.function is not None
    assert found.function.retry == FunctionRetry.parse(policy)


def test_no_retry_policy_is_none(tmp_path: Path) -> None:
    found = read(tmp_path, bindings(ACTIVITY, retry=None))
    assert found.function is not None
    assert found.function.retry is None


def test_an_invalid_retry_policy_disables_the_function(tmp_path: Path) -> None:
    policy = {"strategy": "fixedDelay", "maxRetryCount": -2, "delayInterval": "00:00:05"}
    found = read(tmp_path, bindings(ACTIVITY, retry=policy))
    assert found.function is None
    (problem,) = found.problems
    assert problem.location.startswith("Hello/function.json:1:")
    assert "-2 is not a valid 'maxRetryCount'" in str(problem)
