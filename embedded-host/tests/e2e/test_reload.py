"""Hot reload in a host as a user runs it."""

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

BOUND = 5.0
"""Seconds that a change may take on a busy machine; on an idle one it is less than one."""


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.http("Version", "VERSION = 'one'\ndef main(req): return VERSION", "version")
    app.activity("Say", "return 'one ' + value")
    app.orchestrator(
        "Long",
        """
        before = yield context.call_activity("Say", "before")
        yield context.wait_for_external_event("Go")
        after = yield context.call_activity("Say", "after")
        return [before, after]
        """,
    )
    return app


def watched(host: RunningHost) -> None:
    """A first change is noticed."""
    (host.root / "first.py").touch()
    eventually(lambda: "first.py changed: taken up in" in host.log, "files are watched")


def settled(host: RunningHost) -> None:
    """All changes until now have been taken up: one more has, and they are taken up in order."""
    last = host.root / f"settled_{time.monotonic_ns()}.py"
    last.touch()
    taken_up = re.compile(rf"{last.name}\b.* changed: taken up in")
    eventually(
        lambda: taken_up.search(host.log),
        f"the last change is taken up by a host that said:\n{host.log}",
    )


def change(host: RunningHost, make: Callable[[], object], told: str, seconds: float = BOUND) -> str:
    """Make a change; what the host has printed since, once it has said ``told``."""
    before = len(host.log)
    make()
    eventually(lambda: told in host.log[before:], f"the host says: {told}", seconds)
    return host.log[before:]


def test_an_instance_that_waits_goes_on_with_the_new_code(
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
        lambda: app.activity("Say", "return 'two ' + value"),
        "Say/function.json changed: taken up in",
    )
    host.raise_event(links, "Go", None)
    assert host.end(links)["output"] == ["one before", "two after"]


def test_a_change_that_does_not_import_keeps_the_old_code(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    watched(host)

    def write(text: str) -> Callable[[], object]:
        return lambda: app.write("Version/__init__.py", text)

    told = change(
        host, write("import no_such_thing\n\ndef main(req): return 'two'\n"), "goes on serving"
    )
    assert "Version cannot be served: " in told
    assert "Version/__init__.py line 1: import no_such_thing" in told
    assert "taken up in" not in told
    assert host.get("/api/version").text == "one"
    told = change(host, write("def main(req) return 'three'\n"), "goes on serving")
    assert "SyntaxError" in told
    assert host.get("/api/version").text == "one"
    change(host, write("def main(req): return 'four'\n"), "taken up in")
    assert host.get("/api/version").text == "four"


def test_a_reload_replaces_an_import_that_never_ends(
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
        "changed: taken up in",
    )
    assert host.get("/api/version").text == "two"
    eventually(lambda: len(host.workers) == 1, "the one that hangs has been ended")


def test_a_reload_repairs_a_function_broken_at_the_start(
    app: AppFolder, start_host: StartHost
) -> None:
    app.http("Broken", "import no_such_thing\ndef main(req): return 'x'", "broken")
    host = start_host(app.root)
    assert host.get("/api/broken").status == 500
    watched(host)
    change(
        host,
        lambda: app.write("Broken/__init__.py", "def main(req): return 'mended'"),
        "Broken/__init__.py changed: taken",
    )
    assert host.get("/api/broken").text == "mended"


def test_a_new_function_and_a_changed_function_json(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/new").status == 404
    app.http("New", "def main(req): return 'new'", "new")
    eventually(lambda: host.get("/api/new").text == "new", "the new function answers", BOUND)
    settled(host)
    file = app.root / "New" / "function.json"
    changed = json.loads(file.read_text())
    changed["bindings"][0]["route"] = "other"
    change(
        host, lambda: file.write_text(json.dumps(changed)), "New/function.json changed: taken up in"
    )
    assert host.get("/api/other").text == "new"
    assert host.get("/api/new").status == 404
    before = len(host.log)
    file.write_text("{")
    eventually(
        lambda: "New/function.json" in host.log[before:], "what is wrong with it is said", BOUND
    )


def test_a_module_that_functions_share(app: AppFolder, start_host: StartHost) -> None:
    app.write("common/words.py", "WORD = 'old'\n")
    app.http("Says", "from common.words import WORD\ndef main(req): return WORD", "says")
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/says").text == "old"
    change(
        host,
        lambda: app.write("common/words.py", "WORD = 'new word'\n"),
        "common/words.py changed: taken up in",
    )
    assert host.get("/api/says").text == "new word"


def test_a_history_that_no_longer_fits(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    links = host.start("Long")
    eventually(
        lambda: "event 'Go'" in host.status(links, showDiagnosis="true")["diagnosis"]["text"],
        "it waits",
    )
    watched(host)
    body = "yield context.call_activity('Other', 1)\nyield context.wait_for_external_event('Go')\nreturn 'changed'"
    app.activity("Other", "return value")
    change(host, lambda: app.orchestrator("Long", body), "taken up in")
    settled(host)
    fits = host.start("Long")
    host.raise_event(links, "Go", None)
    status = host.end(links)
    assert status["runtimeStatus"] == "Failed"
    assert (
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an activity task with "
        "sequence ID 0 and name 'Say', but the current replay execution instead scheduled an activity task named 'Other' "
        "with this sequence number"
    ) in status["output"]
    host.raise_event(fits, "Go", None)
    assert host.end(fits)["output"] == "changed"


def test_a_changed_host_json_needs_a_restart(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    watched(host)
    for name in ("host.json", "local.settings.json"):
        file = app.root / name
        longer = file.read_text() + "\n"
        told = change(host, partial(file.write_text, longer), f"{name} changed: restart the host")
        assert "taken up" not in told


def test_a_v2_app(tmp_path: Path, start_host: StartHost) -> None:
    text = (
        "import azure.functions as func\n\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n\n\n"
        "@app.route(route='version')\ndef Version(req: func.HttpRequest) -> str:\n    return 'one'\n"
    )
    app = AppFolder(tmp_path / "app")
    script = app.write("function_app.py", text)
    host = start_host(app.root)
    watched(host)
    assert host.get("/api/version").text == "one"
    assert "no_such" in change(
        host, lambda: script.write_text("import no_such\n" + text), "goes on serving"
    )
    assert host.get("/api/version").text == "one"
    change(
        host,
        lambda: script.write_text(text.replace("'one'", "'two'")),
        "function_app.py changed: taken up in",
    )
    assert host.get("/api/version").text == "two"
    added = "\n\n@app.route(route='added')\ndef Added(req: func.HttpRequest) -> str:\n    return 'added'\n"
    change(host, lambda: script.write_text(text + added), "taken up in")
    assert host.get("/api/added").text == "added"
