"""Tests of user code that exits, blocks, breaks or floods its process.

The host continues, reports the function, and fails only this function.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.hostile_code import CLOSES, COMPLETE, FAIL, KILLERS, PATCHES
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost

pytestmark = pytest.mark.timeout(400)  # each hostile function requires three starts of a process
posix = pytest.mark.skipif(os.name == "nt", reason="the code needs POSIX")

ENDED = "the worker process ended 3 times while it ran the {kind} '{name}': {how}"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Return an app. ``Call`` calls the activity in its input; ``Innocent`` runs for a second."""
    app = AppFolder(tmp_path / "app", {"version": "2.0", "functionTimeout": "00:00:08"})
    app.starter()
    app.activity("Innocent", "import time\ntime.sleep(1)\nreturn 'innocent'")
    app.activity("Echo", "return value")
    app.orchestrator("Call", "return (yield context.call_activity(context.get_input(), 1))")
    app.orchestrator(
        "CallEntity",
        "return (yield context.call_entity(df.EntityId(context.get_input(), 'k'), 'op', 1))",
    )
    app.http("Ping", "def main(req): return 'pong'", "ping")
    return app


def begin(host: RunningHost, name: str, input: object = None) -> dict[str, str]:
    """Start an instance over the management API.

    An HTTP function with a durable client could fail, because its worker may exit.
    """
    text = json.dumps(json.dumps(input))  # encoded twice, as by the durable client
    response = host.post(
        f"{MANAGEMENT}/orchestrators/{name}", text, Content_Type="application/json"
    )
    assert response.status == 202, response
    links: dict[str, str] = response.json
    return links


def run(host: RunningHost, name: str) -> Any:
    status = host.end(begin(host, name), 60)
    assert status["runtimeStatus"] == "Completed", str(status)[:500]
    return status["output"]


def lives_on(host: RunningHost) -> None:
    """Assert that the host and its functions still work."""
    assert eventually(lambda: host.get("/api/ping").text == "pong", "HTTP functions response")
    assert host.end(begin(host, "Call", "Echo"), 60)["runtimeStatus"] == "Completed"
    assert "[EH330]" not in host.log


# -- code that exits its process -------------------------------------------------------------------


@posix
def test_activities_that_exit_their_process_fail_and_concurrent_ones_succeed(
    app: AppFolder, start_host: StartHost
) -> None:
    for name, (code, _) in KILLERS.items():
        app.activity(name, code)
    host = start_host(app.root)
    innocent = [begin(host, "Call", "Innocent") for _ in range(4)]
    guilty = {name: begin(host, "Call", name) for name in KILLERS}
    innocent += [begin(host, "Call", "Innocent") for _ in range(2)]
    for links in innocent:
        assert host.end(links, 60)["output"] == "innocent"
    for name, (_, how) in KILLERS.items():
        status = host.end(guilty[name], 60)
        assert status["runtimeStatus"] == "Failed"
        assert f"Activity function '{name}' failed: {how}" in status["output"]
    assert re.search(r'Segfaults.__init__\.py", line', host.log), (
        "a segfault is logged with its line"
    )
    lives_on(host)


@posix
@pytest.mark.parametrize("name", KILLERS)
def test_orchestrators_and_entities_that_exit_their_process_fail(
    app: AppFolder, start_host: StartHost, name: str
) -> None:
    code, how = KILLERS[name]
    app.orchestrator(name, f"yield context.call_activity('Echo', 1)\n{code}")
    app.entity(f"{name}Entity", code)
    host = start_host(app.root)
    innocent = [begin(host, "Call", "Innocent") for _ in range(3)]
    by_turn, by_entity = begin(host, name), begin(host, "CallEntity", f"{name}Entity")
    status = host.end(by_turn, 40)
    assert status["runtimeStatus"] == "Failed"
    assert status["output"] == (
        f"Orchestrator function '{name}' failed: One or more errors occurred. ({how})"
    )
    status = host.end(by_entity, 40)
    assert status["runtimeStatus"] == "Failed"
    assert ENDED.format(kind="entity", name=f"{name}Entity", how=how) in status["output"]
    for links in innocent:
        assert host.end(links, 40)["output"] == "innocent"
    lives_on(host)


@posix
def test_an_activity_that_closes_the_connection_of_its_process_fails(
    app: AppFolder, start_host: StartHost
) -> None:
    app.activity("Closes", CLOSES)
    host = start_host(app.root)
    status = host.end(begin(host, "Call", "Closes"), 60)
    assert status["runtimeStatus"] == "Failed"
    # The process exits with code 1 if another of its threads uses the connection.
    assert re.search(r"it closed its connection|exited with code 1 ", status["output"])
    lives_on(host)


@posix
def test_an_http_function_that_exits_its_process_fails_only_its_request(
    app: AppFolder, start_host: StartHost
) -> None:
    for name, (code, _) in KILLERS.items():
        app.http(name, f"def main(req):\n{textwrap.indent(code, '    ')}\n", name)
    host = start_host(app.root)
    innocent = [begin(host, "Call", "Innocent") for _ in range(3)]
    for name in KILLERS:
        assert host.get(f"/api/{name}").status == 500
    for links in innocent:
        assert host.end(links, 40)["output"] == "innocent"
    for name, (_, how) in KILLERS.items():
        text = re.escape(how)
        assert len(re.findall(f"while it ran the function '{name}'.*: {text}", host.log)) == 1, (
            host.log
        )
    lives_on(host)


def test_a_timer_function_that_exits_its_process_is_logged_and_the_host_continues(
    app: AppFolder, start_host: StartHost
) -> None:
    timer = {
        "name": "timer",
        "type": "timerTrigger",
        "direction": "in",
        "schedule": "0 0 0 1 1 *",
        "runOnStartup": True,
    }
    app.function("Ends", "import os\ndef main(timer): os._exit(3)", timer)
    host = start_host(app.root)
    eventually(
        lambda: "ran the function 'Ends'" in host.log and "PYTHON exited with code 3" in host.log,
        "the exit is logged",
    )
    lives_on(host)
    assert host.log.count("Another one is started") == 1


@pytest.mark.parametrize("how", ["os._exit(9)", "sys.exit(9)"])
def test_an_import_that_exits_the_process_is_reported(
    app: AppFolder, start_host: StartHost, how: str
) -> None:
    app.function("Bad", f"import os, sys\n{how}\ndef main(value): pass", activity_trigger())
    host = start_host(app.root)
    if how.startswith("os"):
        assert "with code 9 (0x9) while it loaded 'Bad'" in host.log
        assert host.get("/api/ping").status == 503
        assert "while it loaded 'Bad'" in host.get("/admin/host/status").text
        app.function("Bad", "def main(value): pass", activity_trigger())
        eventually(lambda: host.get("/api/ping").status == 200, "the corrected app is served")
        lives_on(host)
        return
    assert "SystemExit" in host.log
    assert "Bad" in host.log
    lives_on(host)


# -- code that does not return ---------------------------------------------------------------------

BLOCKERS = {
    "Blocks": "import time\ntime.sleep(3600)",
    "Spins": "while True: pass",
}


def test_the_function_timeout_fails_activities_that_never_return(
    app: AppFolder, start_host: StartHost
) -> None:
    """The function timeout stops an activity. Other activities in its process run again."""
    for name, code in BLOCKERS.items():
        app.activity(name, code)
    app.function(
        "AsyncBlocks",
        "import time\nasync def main(value):\n    time.sleep(3600)",
        activity_trigger(),
    )
    host = start_host(app.root)
    guilty = {name: begin(host, "Call", name) for name in (*BLOCKERS, "AsyncBlocks")}
    ended = begin(host, "Call", "Blocks")
    host.until(ended, "Running")
    assert host.post(ended["terminatePostUri"].replace("{text}", "enough")).status == 202
    assert host.until(ended, "Terminated")["output"] == "enough"
    innocent = begin(host, "Call", "Innocent")
    assert host.end(innocent, 40)["output"] == "innocent"
    for name, links in guilty.items():
        status = host.end(links, 60)
        assert status["runtimeStatus"] == "Failed"
        assert (
            f"Timeout value of 00:00:08 was exceeded by function '{name}' (functionTimeout in "
            f"host.json)" in status["output"]
        )
    lives_on(host)


ENDLESS = {
    "SpinsBeforeYield": (
        "while True: pass\nyield",
        "Timeout value of 00:00:03 was exceeded by function 'SpinsBeforeYield'",
    ),
    "YieldsWhatIsDone": (
        "task = context.call_activity('Echo', 1)\nyield task\nwhile True: yield task",
        "maximum recursion depth exceeded",
    ),
}


def test_the_function_timeout_fails_orchestrators_that_never_return(
    app: AppFolder, start_host: StartHost
) -> None:
    app.write("host.json", '{"version": "2.0", "functionTimeout": "00:00:03"}')
    for name, (body, _) in ENDLESS.items():
        app.orchestrator(name, body)
    host = start_host(app.root)
    guilty = {name: begin(host, name) for name in ENDLESS}
    innocent = begin(host, "Call", "Innocent")
    assert host.end(innocent, 60)["output"] == "innocent"
    for name, (_, text) in ENDLESS.items():
        status = host.end(guilty[name], 60)
        assert status["runtimeStatus"] == "Failed", status
        assert text in status["output"]
    lives_on(host)


# -- code that damages its process -----------------------------------------------------------------


def test_damage_by_an_activity_to_its_process_does_not_affect_others(
    app: AppFolder, start_host: StartHost
) -> None:
    complete = dict(COMPLETE)
    for name, (code, _) in (complete | FAIL).items():
        app.activity(name, code)
    app.function(
        "Cancels",
        "import asyncio\nasync def main(value):\n    raise asyncio.CancelledError",
        activity_trigger(),
    )
    ignores = """
        import signal
        async def main(value):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            return 1
    """
    app.function("IgnoresSignals", ignores, activity_trigger())
    complete["IgnoresSignals"] = ("", 1)
    host = start_host(app.root)
    for name, (_, output) in complete.items():
        status = host.end(begin(host, "Call", name), 90)
        assert (status["runtimeStatus"], status["output"] == output) == ("Completed", True), (
            name,
            str(status)[:500],
        )
    for name, (_, text) in (FAIL | {"Cancels": ("", "CancelledError")}).items():
        status = host.end(begin(host, "Call", name), 90)
        assert status["runtimeStatus"] == "Failed", (name, status)
        assert text in status["output"], (name, str(status)[:500])
        assert f"Activity function '{name}' failed" in status["output"], "it is named"
    lives_on(host)
    assert "EH326" not in host.log, "no worker has ended of it"
    assert host.stop(seconds=10) == 0


def test_output_of_100_mb_does_not_block_the_host(app: AppFolder, start_host: StartHost) -> None:
    app.activity("Prints", "for _ in range(100): print('x' * 1_000_000)\nreturn 1")
    host = start_host(app.root)
    assert host.end(begin(host, "Call", "Prints"), 60)["output"] == 1
    lives_on(host)


@pytest.mark.parametrize("patch", PATCHES)
def test_code_that_replaces_library_functions_does_not_affect_the_host(
    app: AppFolder, start_host: StartHost, patch: str
) -> None:
    """The damage stays in the worker process, as on the Azure Functions host."""
    app.activity("Patches", f"{PATCHES[patch]}\nreturn 1")
    host = start_host(app.root)
    assert host.end(begin(host, "Call", "Patches"))["runtimeStatus"] in ("Completed", "Failed")
    assert host.end(begin(host, "Call", "Echo"), 60)["runtimeStatus"] in ("Completed", "Failed")
    assert host.get("/dashboard").status == 200
    for worker in host.workers:
        worker.kill()
    lives_on(host)


# -- orchestrators and HTTP functions --------------------------------------------------------------


def test_damage_by_an_orchestrator_does_not_affect_others(
    app: AppFolder, start_host: StartHost
) -> None:
    bodies = {
        "SysExit": (
            "import sys\nyield context.call_activity('Echo', 1)\nsys.exit(3)",
            "with code 3 (0x3)",
        ),
        "Recursion": (
            "yield context.call_activity('Echo', 1)\ndef f(): return f()\nf()",
            "maximum recursion depth",
        ),
        "HugeStatus": (
            "yield context.call_activity('Echo', 1)\ncontext.set_custom_status('x' * 100_000)",
            "custom",
        ),
        "Surrogate": (
            r"yield context.call_activity('Echo', 1)" + "\n" + r"raise ValueError('a\ud800b')",
            "failed",
        ),
    }
    for name, (body, _) in bodies.items():
        app.orchestrator(name, body)
    app.orchestrator(
        "HugeInput", "return len((yield context.call_activity('Echo', 'x' * 20_000_000)))"
    )
    app.orchestrator("Nul", r"return (yield context.call_activity('Echo', 'a\0\ud800b'))")
    host = start_host(app.root)
    for name, (_, text) in bodies.items():
        status = host.end(begin(host, name), 60)
        assert status["runtimeStatus"] == "Failed", (name, str(status)[:500])
        assert text in status["output"], (name, str(status)[:500])
        assert f"Orchestrator function '{name}' failed" in status["output"]
    assert run(host, "HugeInput") == 20_000_000
    assert run(host, "Nul") == "a\0\ud800b"
    lives_on(host)


def test_damage_by_an_http_function_does_not_affect_others(
    app: AppFolder, start_host: StartHost
) -> None:
    head = "import azure.functions as func\ndef main(req):\n    "
    bodies = {
        "SysExit": "import sys; sys.exit(1)",
        "SurrogateBody": r"return func.HttpResponse('a\ud800b')",
        "SurrogateHeader": r"return func.HttpResponse('x', headers={'X-A': 'a\ud800b'})",
        "NulHeader": r"return func.HttpResponse('x', headers={'X-A': 'a\0b'})",
        "Recursion": "return main(req)",
    }
    for name, body in bodies.items():
        app.http(name, head + body, name)
    app.http("Huge", head + "return func.HttpResponse(b'x' * 50_000_000)", "huge")
    app.http(
        "Cancels",
        "import asyncio\nasync def main(req):\n    raise asyncio.CancelledError",
        "cancels",
    )
    host = start_host(app.root)
    for name in (*bodies, "Cancels"):
        assert host.get(f"/api/{name}").status == 500, name
        assert f"unction '{name}'" in host.log
    assert len(host.get("/api/huge").text) == 50_000_000
    lives_on(host)
