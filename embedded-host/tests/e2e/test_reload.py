"""Tests of hot reload in a host process."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

BOUND = 20.0
"""The timeout of a reload in seconds. On an idle machine a reload takes less than one."""


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.http("Version", "VERSION = 'one'\ndef main(req): return VERSION", "version")
    app.activity("Greet", "return 'one ' + value")
    app.orchestrator(
        "Long",
        """
        before = yield context.call_activity("Greet", "before")
        yield context.wait_for_external_event("Go")
        after = yield context.call_activity("Greet", "after")
        return [before, after]
        """,
    )
    return app


def watched(host: RunningHost) -> None:
    """Change a file, and wait until the host has reloaded the file."""
    (host.root / "first.py").touch()
    eventually(lambda: "first.py changed. Reloaded in" in host.log, "files are watched")


def settled(host: RunningHost) -> None:
    """Wait until the host has reloaded all changes.

    The host reloads changes in order. Therefore this function adds a file and waits for its reload.
    """
    last = host.root / f"settled_{time.monotonic_ns()}.py"
    last.touch()
    reloaded = re.compile(rf"{last.name}\b.* changed. Reloaded in")
    eventually(
        lambda: reloaded.search(host.log),
        f"the last change is reloaded. Output:\n{host.log}",
    )


def change(
    host: RunningHost, make: Callable[[], object], output: str, seconds: float = BOUND
) -> str:
    """Make a change, wait until ``output`` appears, and return the output since the change."""
    before = len(host.log)
    make()
    eventually(lambda: output in host.log[before:], f"the host prints: {output}", seconds)
    return host.log[before:]


def test_a_waiting_instance_continues_with_the_new_code(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    links = host.start("Long")
    eventually(
        lambda: "event 'Go'" in host.status(links, showDiagnosis="true")["diagnosis"]["text"],
        "it waits",
    )
    watched(host)
    change(
        host,
        lambda: app.activity("Greet", "return 'two ' + value"),
        "Greet/function.json changed. Reloaded in",
    )
    host.raise_event(links, "Go", None)
    assert host.end(links)["output"] == ["one before", "two after"]


def test_a_change_that_cannot_be_imported_keeps_the_previous_code(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    watched(host)

    def write(text: str) -> Callable[[], object]:
        return lambda: app.write("Version/__init__.py", text)

    output = change(
        host,
        write("import no_such_thing\n\ndef main(req): return 'two'\n"),
        "still runs the previous code",
    )
    assert "Worker failed to load function: 'Version'" in output
    assert "Version/__init__.py line 1: import no_such_thing" in output
    assert "Reloaded in" not in output
    assert host.get("/api/version").text == "one"
    output = change(host, write("def main(req) return 'three'\n"), "still runs the previous code")
    assert "SyntaxError" in output
    assert host.get("/api/version").text == "one"
    status = host.get("/admin/host/status").json
    failed = status["embeddedHost"]["failedReload"]
    assert "Version/__init__.py line 1: def main(req) return 'three'" in failed["summary"]
    assert status["errors"] == [failed["text"]]
    assert host.get("/dashboard/api/host").json["failedReload"] == failed
    assert "\nembedded_host_reload_failed 1\n" in host.get("/metrics").text
    change(host, write("def main(req): return 'four'\n"), "Reloaded in")
    assert host.get("/api/version").text == "four"
    status = host.get("/admin/host/status").json
    assert status["embeddedHost"]["failedReload"] is None
    assert "errors" not in status
    assert status["embeddedHost"]["workerProcesses"][0]["state"] == "ready"


def test_a_reload_replaces_an_import_that_blocks_forever(
    app: AppFolder, start_host: StartHost, tmp_path: Path
) -> None:
    host = start_host(app.root)
    watched(host)
    begun = tmp_path / "begun"
    app.write(
        "Version/__init__.py",
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(3600)\n",
    )
    eventually(begun.exists, "it is imported")
    assert host.get("/api/version").text == "one"
    change(
        host,
        lambda: app.write("Version/__init__.py", "def main(req): return 'two'\n"),
        "changed. Reloaded in",
    )
    assert host.get("/api/version").text == "two"
    eventually(lambda: len(host.workers) == 1, "the one that hangs has been ended")


def test_a_reload_enables_a_function_that_was_invalid_at_the_start(
    app: AppFolder, start_host: StartHost
) -> None:
    app.http("Broken", "import no_such_thing\ndef main(req): return 'x'", "broken")
    host = start_host(app.root)
    assert host.get("/api/broken").status == 500
    watched(host)
    change(
        host,
        lambda: app.write("Broken/__init__.py", "def main(req): return 'fixed'"),
        "Broken/__init__.py changed. Reloaded",
    )
    assert host.get("/api/broken").text == "fixed"


def test_a_new_function_and_a_changed_function_json_are_loaded(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/new").status == 404
    app.http("New", "def main(req): return 'new'", "new")
    eventually(lambda: host.get("/api/new").text == "new", "the new function is served", BOUND)
    settled(host)
    file = app.root / "New" / "function.json"
    changed = json.loads(file.read_text())
    changed["bindings"][0]["route"] = "other"
    change(
        host, lambda: file.write_text(json.dumps(changed)), "New/function.json changed. Reloaded in"
    )
    assert host.get("/api/other").text == "new"
    assert host.get("/api/new").status == 404
    before = len(host.log)
    file.write_text("{")
    eventually(lambda: "New/function.json" in host.log[before:], "its fault is printed", BOUND)


def test_a_change_of_a_shared_module_reloads_its_functions(
    app: AppFolder, start_host: StartHost
) -> None:
    app.write("common/words.py", "WORD = 'old'\n")
    app.http("Words", "from common.words import WORD\ndef main(req): return WORD", "words")
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/words").text == "old"
    change(
        host,
        lambda: app.write("common/words.py", "WORD = 'new word'\n"),
        "common/words.py changed. Reloaded in",
    )
    assert host.get("/api/words").text == "new word"


def test_a_history_that_does_not_match_the_new_code_fails_the_instance(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    links = host.start("Long")
    eventually(
        lambda: "event 'Go'" in host.status(links, showDiagnosis="true")["diagnosis"]["text"],
        "it waits",
    )
    watched(host)
    body = (
        "yield context.call_activity('Other', 1)\nyield "
        "context.wait_for_external_event('Go')\nreturn 'changed'"
    )
    app.activity("Other", "return value")
    change(host, lambda: app.orchestrator("Long", body), "Reloaded in")
    settled(host)
    fits = host.start("Long")
    host.raise_event(links, "Go", None)
    status = host.end(links)
    assert status["runtimeStatus"] == "Failed"
    assert (
        "Non-Deterministic workflow detected: A previous execution of this orchestration "
        "scheduled an activity task with sequence number 0 named 'Greet', but the current "
        "orchestration replay instead scheduled an activity task named 'Other' with this sequence "
        "number"
    ) in status["output"]
    host.raise_event(fits, "Go", None)
    assert host.end(fits)["output"] == "changed"


def test_a_changed_host_json_needs_a_restart(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    watched(host)
    for name in ("host.json", "local.settings.json"):
        file = app.root / name
        longer = file.read_text() + "\n"
        output = change(host, partial(file.write_text, longer), f"{name} changed. Restart the host")
        assert "Reloaded" not in output


def test_a_change_of_function_app_py_is_reloaded(tmp_path: Path, start_host: StartHost) -> None:
    text = (
        "import azure.functions as func\n\napp = "
        "func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n\n\n"
        "@app.route(route='version')\ndef Version(req: func.HttpRequest) -> str:\n    return "
        "'one'\n"
    )
    app = AppFolder(tmp_path / "app")
    script = app.write("function_app.py", text)
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/version").text == "one"
    assert "no_such" in change(
        host, lambda: script.write_text("import no_such\n" + text), "still runs the previous code"
    )
    assert host.get("/api/version").text == "one"
    change(
        host,
        lambda: script.write_text(text.replace("'one'", "'two'")),
        "function_app.py changed. Reloaded in",
    )
    assert host.get("/api/version").text == "two"
    added = (
        "\n\n@app.route(route='added')\ndef Added(req: func.HttpRequest) -> str:\n    return "
        "'added'\n"
    )
    change(host, lambda: script.write_text(text + added), "Reloaded in")
    assert host.get("/api/added").text == "added"
