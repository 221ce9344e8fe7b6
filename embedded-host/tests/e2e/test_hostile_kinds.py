"""Tests of hostile code in orchestrators, entities and HTTP functions.

``test_hostile_code`` contains the tests of activities.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from tests.e2e.conftest import StartHost
from tests.e2e.test_hostile_code import app, begin, lives_on
from tests.support.app_folder import AppFolder
from tests.support.hostile_code import COMPLETE, FAIL
from tests.support.running_host import RunningHost

__all__ = ["app"]
pytestmark = pytest.mark.timeout(400)
RECURSION = "maximum recursion depth exceeded"
WORDS: dict[str, dict[str, str]] = {
    "orchestrator": {
        "Recursion": RECURSION,
        "NoText": "ValueError",
        "Stop": "generator raised StopIteration",
    },
    "entity": {
        "Recursion": RECURSION,
        "NoText": "ValueError",
        "Stop": "failed: x",
        "Generator": "generator",
        "Memory": "without a message",
    },
    "http": {},
}
"""Errors that the SDK formats differently from the failure of an activity."""


def orchestrator(app: AppFolder, name: str, code: str) -> None:
    app.orchestrator(name, f"yield context.call_activity('Echo', 1)\n{code}")


def entity(app: AppFolder, name: str, code: str) -> None:
    app.entity(name, f"{_work(code)}context.set_result(work())")


def http(app: AppFolder, name: str, code: str) -> None:
    main = "def main(req):\n    return func.HttpResponse(json.dumps(work()))\n"
    app.http(name, f"import json\nimport azure.functions as func\n{_work(code)}{main}", name)


def _work(code: str) -> str:
    return f"def work():\n{textwrap.indent(code, '    ')}\n"


def outcome(host: RunningHost, kind: str, name: str) -> tuple[str, Any]:
    if kind == "http":
        response = host.get(f"/api/{name}")
        return (
            ("Completed", json.loads(response.text))
            if response.status == 200
            else (str(response.status), response.text)
        )
    links = begin(host, name) if kind == "orchestrator" else begin(host, "CallEntity", name)
    status = host.end(links, 90)
    return status["runtimeStatus"], status["output"]


@pytest.mark.parametrize("kind", ["orchestrator", "entity", "http"])
def test_damage_by_any_kind_of_function_does_not_affect_others(
    app: AppFolder, start_host: StartHost, kind: str
) -> None:
    write = {"orchestrator": orchestrator, "entity": entity, "http": http}[kind]
    for name, (code, _) in (COMPLETE | FAIL).items():
        write(app, name, code)
    host = start_host(app.root)
    for name, (_, output) in COMPLETE.items():
        status, got = outcome(host, kind, name)
        assert (status, got == output) == ("Completed", True), (name, str(got)[:500])
    for name, (_, text) in FAIL.items():
        status, got = outcome(host, kind, name)
        if kind == "http":
            assert (status, got) == ("500", ""), (name, str(got)[:500])
            assert f"Function '{name}' failed" in host.log
        else:
            failed = (
                f"Orchestrator function "
                f"'{name if kind == 'orchestrator' else 'CallEntity'}' failed: "
            )
            assert status == "Failed", (name, str(got)[:500])
            assert got.startswith(failed), (name, got[:500])
            assert WORDS[kind].get(name, text) in got, (name, got[:500])
    lives_on(host)
    assert "EH326" not in host.log, "no worker exited"
    assert host.stop(seconds=10) == 0


NO_TEXT: dict[str, tuple[str, str]] = {
    "Activity": ("yield context.call_activity('a\\ud800', 1)", r"a\ud800"),
    "Child": ("yield context.call_sub_orchestrator('a\\ud800', 1)", r"a\ud800"),
    "ChildId": ("return (yield context.call_sub_orchestrator('Given', 1, 'i\\ud800'))", "1"),
    "EntityKey": (
        "return (yield context.call_entity(df.EntityId('Counter', 'k\\ud800'), 'add', 1))",
        "1",
    ),
    "Operation": (
        "return (yield context.call_entity(df.EntityId('Counter', 'o'), 'o\\ud800', 1))",
        "0",
    ),
    "Entity": ("yield context.call_entity(df.EntityId('e\\ud800', 'k'), 'add', 1)", "failed"),
    "Event": (
        "clock = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))\n"
        "yield context.task_any([context.wait_for_external_event('e\\ud800'), clock])\nreturn 1",
        "1",
    ),
    "Url": ("yield context.call_http('GET', 'http://127.0.0.1:9/\\ud800')", "failed"),
    "Content": ("yield context.call_http('POST', 'http://127.0.0.1:9/', '\\ud800')", "failed"),
    "Status": ("context.set_custom_status('\\ud800')\nreturn 1", "1"),
    "Error": ("raise ValueError('a\\ud800b')", r"a\ud800b"),
}


@pytest.mark.parametrize("arguments", [(), ("--in-process",)], ids=["workers", "in-process"])
def test_strings_that_cannot_be_encoded_in_utf_8_fail_only_their_function(
    app: AppFolder, start_host: StartHost, arguments: tuple[str, ...]
) -> None:
    """Lone surrogates in names, ids and errors fail only the instance that sends them."""
    app.counter()
    app.orchestrator("Given", "return context.get_input()\nyield")
    app.activity("Raises", r"raise ValueError('a\ud800b')")
    for name, (code, _) in NO_TEXT.items():
        app.orchestrator(
            name, f"yield context.call_activity('Echo', 1)\n{code}".replace("\\\\", "\\")
        )
    host = start_host(app.root, *arguments)
    for name, (_, text) in NO_TEXT.items():
        status = host.end(begin(host, name), 60)
        assert status["runtimeStatus"] == ("Completed" if text.isdigit() else "Failed"), (
            name,
            status,
        )
        assert text in str(status["output"]), (name, status)
    assert r"a\ud800b" in host.end(begin(host, "Call", "Raises"), 60)["output"]
    lives_on(host)
    assert host.stop(seconds=10) == 0


RETRY = "return (yield context.call_activity_with_retry('Raises', df.RetryOptions({}), 1))"
EVERY_NAME = (
    "names = [5, True, None, [1], 'a/b', 'a\\0b', 'x' * 100_000]\n"
    "for name in names:\n"
    "    try: yield {}\n"
    "    except Exception: pass\n"
    "return 'all'"
)
EXTREME: dict[str, tuple[str, str]] = {
    "Interval": (
        RETRY.format("10**18, 2"),
        "'firstRetryIntervalInMilliseconds': 1000000000000000000",
    ),
    "Endless": (RETRY.format("float('inf'), 2"), "cannot read"),
    "NoNumber": (RETRY.format("float('nan'), 2"), "cannot read"),
    "Half": (RETRY.format("1, 2.5"), "'maxNumberOfAttempts': 2.5"),
    "Attempts": (RETRY.format("1, 10**30"), "cannot read"),
    "YearOne": (
        "from datetime import datetime, timezone\n"
        "yield context.create_timer(datetime.min.replace(tzinfo=timezone.utc))\nreturn 'early'",
        "",
    ),
    "Ids": (EVERY_NAME.format("context.call_sub_orchestrator('Given', 1, name)"), ""),
    "Activities": (EVERY_NAME.format("context.call_activity(name, 1)"), ""),
    "Children": (EVERY_NAME.format("context.call_sub_orchestrator(name, 1)"), ""),
    "Keys": (EVERY_NAME.format("context.call_entity(df.EntityId('Counter', name), 'add', 1)"), ""),
    "Operations": (
        EVERY_NAME.format("context.call_entity(df.EntityId('Counter', 'k'), name, 1)"),
        "",
    ),
    "Urls": (EVERY_NAME.format("context.call_http('GET', name)"), ""),
    "Methods": (EVERY_NAME.format("context.call_http(name, 'http://127.0.0.1:9/')"), ""),
    "Events": (
        EVERY_NAME.format(
            "context.task_any([context.wait_for_external_event(name), "
            "context.call_activity('Echo', 1)])"
        ),
        "",
    ),
    "Numbers": (
        "values = [float('nan'), -float('inf'), 2**64, -0.0]\n"
        "for value in values:\n"
        "    context.set_custom_status(value)\n"
        "    yield context.call_activity('Echo', value)\n"
        "    yield context.call_sub_orchestrator('Given', value)\n"
        "return values",
        "",
    ),
    "Deep": (
        "value = []\nfor _ in range(800): value = [value]\n"
        "context.set_custom_status(value)\n"
        "yield context.call_activity('Echo', value)\nreturn 1",
        "",
    ),
}


@pytest.mark.parametrize("arguments", [(), ("--in-process",)], ids=["workers", "in-process"])
def test_invalid_arguments_fail_their_own_instance(
    app: AppFolder, start_host: StartHost, arguments: tuple[str, ...]
) -> None:
    """The instance ends with a result or an error, and the host continues."""
    app.counter()
    app.orchestrator("Given", "return context.get_input()\nyield")
    app.activity("Raises", "raise ValueError('no')")
    for name, (code, _) in EXTREME.items():
        app.orchestrator(name, code)
    host = start_host(app.root, *arguments)
    for name, (_, text) in EXTREME.items():
        status = host.end(begin(host, name), 60)
        assert text in str(status["output"]), (name, str(status)[:500])
    lives_on(host)
    assert "EH410" not in host.log, "each was foreseen"
    assert host.stop(seconds=10) == 0
