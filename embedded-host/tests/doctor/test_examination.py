"""All checks of an app folder."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import date
from pathlib import Path

import pytest

from embedded_host.cli.init import app_files
from embedded_host.doctor.examination import Examination, examine, host_requirements
from embedded_host.store.lock import StateLock
from tests.support.app_folder import AppFolder

pytestmark = pytest.mark.process  # starts the interpreter and a worker
TODAY = date(2026, 12, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the app of ``embedded-host init`` with a free port."""
    root = tmp_path / "shop"
    for path, content in app_files(root, "v2").items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = json.loads((root / "local.settings.json").read_text(encoding="utf-8"))
    settings["Host"] = {"LocalHttpPort": port}
    (root / "local.settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return root


def environ() -> dict[str, str]:
    """Return the environment without the settings and the variables that select an environment."""
    names = ("VIRTUAL_ENV", "CONDA_PREFIX", "AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME")
    return {name: value for name, value in os.environ.items() if name not in names}


def check(root: Path, python: str | None = None) -> Examination:
    return examine(root, environ(), python, TODAY)


def codes(examination: Examination) -> list[tuple[str, str, str]]:
    """Return the findings, without those about the Python version that runs the tests."""
    return [
        (finding.severity, finding.code, finding.place)
        for finding in examination.findings
        if finding.code not in ("EH702", "EH708")
    ]


def test_a_new_app_has_no_findings(root: Path) -> None:
    examination = check(root)
    assert codes(examination) == []
    assert examination.count("error") == 0
    document = examination.document()
    assert document["app"] == str(root)
    assert document["interpreter"] == {
        "executable": sys.executable,
        "reason": "the host's own interpreter",
        "python": "{}.{}.{}".format(*sys.version_info),
    }
    assert document["sdk"] == examination.sdk()
    assert all(examination.sdk().values())


def test_errors_are_first_and_each_kind_of_check_runs(root: Path) -> None:
    (root / "requirements.txt").write_text(
        "azure-functions-durable==3.0.0\nno-such-package\naiohttp==3.8.3\n", encoding="utf-8"
    )
    host_json = root / "host.json"
    host_json.write_text(
        host_json.read_text(encoding="utf-8").replace("[4.*, 5.0.0)", "[1.*, 2.0.0)"),
        encoding="utf-8",
    )
    (root / "local.settings.json").unlink()
    (root / ".venv").mkdir()
    (root / ".venv" / "pyvenv.cfg").write_text("home = /gone\n", encoding="utf-8")
    (root / ".embedded-host").mkdir()
    (root / ".embedded-host" / "state.db").write_bytes(b"")
    found = codes(check(root))
    assert [severity for severity, _, _ in found] == sorted(severity for severity, _, _ in found)
    assert {
        ("error", "EH230", "requirements.txt:1"),
        ("error", "EH706", "requirements.txt:2"),
        ("error", "EH222", ""),
        ("warning", "EH700", ""),
        ("warning", "EH705", "requirements.txt:3"),
        ("warning", "EH709", "requirements.txt:3"),
        ("warning", "EH711", "host.json:8"),
        ("warning", "EH712", "local.settings.json"),
    } <= set(found)


def test_a_function_that_does_not_load_is_an_error_and_a_connection_is_found(root: Path) -> None:
    with (root / "function_app.py").open("a", encoding="utf-8") as file:
        file.write(
            '\n\nprint("imported")\n\n\n'
            '@app.queue_trigger(arg_name="item", queue_name="orders", connection="Orders")\n'
            "def work(item: func.QueueMessage) -> None: ...\n"
        )
    assert codes(check(root)) == [("warning", "EH311", ""), ("warning", "EH713", "")]
    with (root / "function_app.py").open("a", encoding="utf-8") as file:
        file.write("import no_such_module\n")
    assert ("error", "EH310", "") in codes(check(root))


def test_a_running_host_is_a_warning(root: Path) -> None:
    with StateLock(root / ".embedded-host"):
        assert codes(check(root)) == [("warning", "EH211", "")]


def test_a_folder_without_an_app_is_an_error(tmp_path: Path) -> None:
    examination = check(tmp_path)
    assert ("error", "EH101", str(tmp_path)) in codes(examination)


def test_an_interpreter_that_does_not_exist_is_an_error(root: Path) -> None:
    examination = check(root, str(root / "no-python"))
    assert codes(examination) == [("error", "EH216", "")]
    assert examination.document()["sdk"] == {
        "azure-functions": None,
        "azure-functions-durable": None,
    }


@pytest.mark.skipif(os.name == "nt", reason="a script is a program on POSIX systems")
def test_an_interpreter_that_does_not_run_is_an_error(root: Path) -> None:
    broken = root / "python"
    broken.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    broken.chmod(0o700)
    assert codes(check(root, str(broken))) == [("error", "EH231", "")]


def test_problems_of_a_v1_app_have_their_lines(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.function("Bad", "", {"type": "httpTriger", "name": "req"})
    assert ("error", "EH140", "Bad/function.json:5") in codes(check(app.root))


def test_the_requirements_of_the_host_are_those_of_its_package() -> None:
    needs, python = host_requirements()
    assert any(need.startswith("azure-functions-durable") for need in needs)
    assert python.contains("{}.{}.{}".format(*sys.version_info), prereleases=True)
