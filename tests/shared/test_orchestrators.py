import json
from pathlib import Path

import pytest

from shared.orchestrators import find_orchestrator, known_orchestrators

ORCHESTRATION = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
ACTIVITY = {"name": "payload", "type": "activityTrigger", "direction": "in"}


def add_function(app: Path, name: str, *bindings: object, encoding: str = "utf-8") -> None:
    add_file(
        app, name, json.dumps({"scriptFile": "__init__.py", "bindings": bindings}).encode(encoding)
    )


def add_file(app: Path, name: str, content: bytes) -> None:
    (app / name).mkdir()
    (app / name / "function.json").write_bytes(content)


def test_a_folder_with_an_orchestration_trigger_is_an_orchestrator(tmp_path: Path) -> None:
    add_function(tmp_path, "Second", ORCHESTRATION)
    add_function(tmp_path, "First", ORCHESTRATION)
    add_function(tmp_path, "Activity", ACTIVITY)
    add_function(
        tmp_path,
        "Http",
        {"name": "req", "type": "httpTrigger"},
        {"name": "$return", "type": "http"},
    )
    (tmp_path / "shared").mkdir()
    (tmp_path / "host.json").write_text("{}")
    assert known_orchestrators(tmp_path) == ("First", "Second")


def test_the_trigger_may_name_the_orchestrator_and_its_type_is_not_case_sensitive(
    tmp_path: Path,
) -> None:
    add_function(tmp_path, "Folder", {**ORCHESTRATION, "orchestration": "Durable"})
    add_function(tmp_path, "Blank", {**ORCHESTRATION, "orchestration": ""})
    add_function(tmp_path, "Lower", {**ORCHESTRATION, "type": "orchestrationtrigger"})
    assert known_orchestrators(tmp_path) == ("Blank", "Durable", "Lower")


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    add_function(tmp_path, "FromNotepad", ORCHESTRATION, encoding="utf-8-sig")
    assert known_orchestrators(tmp_path) == ("FromNotepad",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"bindings": null}',
        b'{"bindings": {}}',
        b'{"bindings": 5}',
        b'{"bindings": [null, 1, "orchestrationTrigger", []]}',
        b'{"bindings": [{}, {"type": null}, {"type": ["orchestrationTrigger"]}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_an_invalid_function_json_does_not_hide_other_orchestrators(
    tmp_path: Path, content: bytes
) -> None:
    add_file(tmp_path, "Broken", content)
    add_function(tmp_path, "Sound", ORCHESTRATION)
    assert known_orchestrators(tmp_path) == ("Sound",)


def test_a_folder_named_function_json_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "Odd" / "function.json").mkdir(parents=True)
    add_function(tmp_path, "Sound", ORCHESTRATION)
    assert known_orchestrators(tmp_path) == ("Sound",)


def test_the_files_are_read_once(tmp_path: Path) -> None:
    add_function(tmp_path, "First", ORCHESTRATION)
    assert known_orchestrators(tmp_path) == ("First",)
    add_function(tmp_path, "Second", ORCHESTRATION)
    assert known_orchestrators(tmp_path) == ("First",)


@pytest.mark.parametrize(
    "requested",
    [
        "HelloOrchestrator",
        "hello_orchestrator",
        "hello-orchestrator",
        "HELLO_ORCHESTRATOR",
        "-helloOrche_strator-",
    ],
)
def test_case_underscores_and_hyphens_are_ignored(requested: str) -> None:
    assert find_orchestrator(requested, ["Goodbye", "HelloOrchestrator"]) == "HelloOrchestrator"


@pytest.mark.parametrize(
    "requested", ["", "Hello", "HelloOrchestrator2", "Hello Orchestrator", "HelloOrchestratör"]
)
def test_another_name_is_not_found(requested: str) -> None:
    assert find_orchestrator(requested, ["HelloOrchestrator"]) is None


def test_an_exact_match_has_precedence() -> None:
    known = ["HelloWorld", "hello-world", "hello_world"]
    assert [find_orchestrator(name, known) for name in known] == known
    assert find_orchestrator("helloworld", known) == "HelloWorld"


def test_this_app_has_one_orchestrator() -> None:
    assert known_orchestrators(Path(__file__).parents[2]) == ("HelloOrchestrator",)
