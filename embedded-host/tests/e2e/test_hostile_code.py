"""User code that ends, blocks, breaks or floods its process: the host survives, says which function it was, fails that one and no
other, and goes on."""

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
from tests.support.hostile_code import COMPLETE, FAIL, KILLERS, PATCHES
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost

pytestmark = pytest.mark.timeout(
    400
)  # processes that end are started again, thrice for each of the guilty
posix = pytest.mark.skipif(os.name == "nt", reason="what it does is POSIX's")
ENDED = "the worker process ended 3 times while it ran the {kind} '{name}': {how}"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """``Call`` calls the activity that its input names; ``Innocent`` does no harm and takes a second."""
    app = AppFolder(tmp_path / "app", {"version": "2.0", "functionTimeout": "00:00:08"})
    app.starter()
    app.activity("Innocent", "import time\ntime.sleep(1)\nreturn 'innocent'")
    app.activity("Echo", "return value")
    app.orchestrator("Call", "return (yield context.call_activity(context.get_input(), None))")
    app.orchestrator(
        "CallEntity",
        "return (yield context.call_entity(df.EntityId(context.get_input(), 'k'), 'op', 1))",
    )
    app.http("Ping", "def main(req): return 'pong'", "ping")
    return app


def begin(host: RunningHost, name: str, input: object = None) -> dict[str, str]:
    """Start an instance without a function's help: that could be lost with its worker."""
    text = json.dumps(json.dumps(input))  # as the SDK's client sends it
    answer = host.post(f"{MANAGEMENT}/orchestrators/{name}", text, Content_Type="application/json")
    assert answer.status == 202, answer
    links: dict[str, str] = answer.json
    return links


def run(host: RunningHost, name: str) -> Any:
    status = host.end(begin(host, name), 60)
    assert status["runtimeStatus"] == "Completed", str(status)[:500]
    return status["output"]


def lives_on(host: RunningHost) -> None:
    """The host and its functions still work."""
    assert eventually(lambda: host.get("/api/ping").text == "pong", "HTTP functions answer")
    assert host.end(begin(host, "Call", "Echo"), 60)["runtimeStatus"] == "Completed"
    assert "[EH330]" not in host.log


# -- code that ends its process --------------------------------------------------------------------


@posix
def test_activities_that_end_their_process_fail_and_what_runs_beside_them_does_not(
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
        assert ENDED.format(kind="activity", name=name, how=how) in status["output"]
    # The first death counts against all that ran in the process, the others against the guilty alone.
    again = {
        found[1]
        for found in re.finditer(
            r"while it ran the \w+ '(\w+)'.*Attempt [23] of 3 failed", host.log
        )
    }
    assert again == set(KILLERS)
    assert re.search(r'Segfaults.__init__\.py", line', host.log), "a segfault says where"
    lives_on(host)


@posix
@pytest.mark.parametrize("name", KILLERS)
def test_orchestrators_and_entities_that_end_their_process(
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
    assert ENDED.format(kind="orchestrator", name=name, how=how) in status["output"]
    status = host.end(by_entity, 40)
    assert status["runtimeStatus"] == "Failed"
    assert ENDED.format(kind="entity", name=f"{name}Entity", how=how) in status["output"]
    for links in innocent:
        assert host.end(links, 40)["output"] == "innocent"
    lives_on(host)


@posix
def test_an_http_function_that_ends_its_process_costs_its_request_and_no_instance(
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
        assert len(re.findall(f"while it ran the function '{name}'.*: {how}", host.log)) == 1, (
            host.log
        )
    lives_on(host)


def test_a_timer_function_that_ends_its_process(app: AppFolder, start_host: StartHost) -> None:
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
        lambda: "Function 'Ends'" in host.log and "it exited with code 3" in host.log, "it is said"
    )
    lives_on(host)
    assert host.log.count("Another one is started") == 1


@pytest.mark.parametrize("how", ["os._exit(9)", "sys.exit(9)"])
def test_an_import_that_ends_the_process(app: AppFolder, start_host: StartHost, how: str) -> None:
    app.function("Bad", f"import os, sys\n{how}\ndef main(value): pass", activity_trigger())
    if how.startswith("os"):
        with pytest.raises(AssertionError, match=r"it exited with code 9 while it loaded 'Bad'"):
            start_host(app.root)
        return
    host = start_host(app.root)
    assert "SystemExit" in host.log
    assert "Bad" in host.log
    lives_on(host)


# -- code that does not come back ------------------------------------------------------------------

BLOCKERS = {
    "Blocks": "import time\ntime.sleep(3600)",
    "Spins": "while True: pass",
}


def test_activities_that_never_return(app: AppFolder, start_host: StartHost) -> None:
    """functionTimeout ends them; an instance that is terminated meanwhile is so at once; what ran beside them runs again."""
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
            f"Timeout value of 00:00:08 was exceeded by function '{name}' (functionTimeout in host.json)"
            in status["output"]
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


def test_orchestrators_that_never_come_back(app: AppFolder, start_host: StartHost) -> None:
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


# -- code that breaks things in its process --------------------------------------------------------


def test_activities_that_break_something_in_their_process(
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


def test_100_mb_on_the_console(app: AppFolder, start_host: StartHost) -> None:
    app.activity("Prints", "for _ in range(100): print('x' * 1_000_000)\nreturn 1")
    host = start_host(app.root)
    assert host.end(begin(host, "Call", "Prints"), 60)["output"] == 1
    lives_on(host)


@pytest.mark.parametrize("what", PATCHES)
def test_code_that_replaces_parts_of_the_library(
    app: AppFolder, start_host: StartHost, what: str
) -> None:
    """What it breaks in its own process stays broken there, as on the real host; the host is another process."""
    app.activity("Patches", f"{PATCHES[what]}\nreturn 1")
    host = start_host(app.root)
    assert host.end(begin(host, "Call", "Patches"))["runtimeStatus"] in ("Completed", "Failed")
    assert host.end(begin(host, "Call", "Echo"), 60)["runtimeStatus"] in ("Completed", "Failed")
    assert host.get("/dashboard").status == 200
    for worker in host.workers:
        worker.kill()
    lives_on(host)


# -- orchestrators and HTTP functions --------------------------------------------------------------


def test_orchestrators_that_break_something(app: AppFolder, start_host: StartHost) -> None:
    bodies = {
        "SysExit": ("import sys\nyield context.call_activity('Echo', 1)\nsys.exit('bye')", "bye"),
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


def test_http_functions_that_break_something(app: AppFolder, start_host: StartHost) -> None:
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
        assert f"Function '{name}'" in host.log
    assert len(host.get("/api/huge").text) == 50_000_000
    lives_on(host)
