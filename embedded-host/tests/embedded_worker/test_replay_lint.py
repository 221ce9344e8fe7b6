"""Warnings about calls that block or that are not deterministic, with their lines and the fixes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded_worker.replay_lint import suspicious_calls
from tests.embedded_worker.conftest import FILE, MakeFunction
from tests.support.app_folder import AppFolder


@pytest.mark.parametrize(
    ("call", "name", "instead"),
    [
        ("time.sleep(5)", "time.sleep", "yield context.create_timer(...)"),
        ("asyncio.sleep(5)", "asyncio.sleep", "yield context.create_timer(...)"),
        ("datetime.now()", "datetime.now", "use context.current_utc_datetime"),
        (
            "datetime.datetime.utcnow()",
            "datetime.datetime.utcnow",
            "use context.current_utc_datetime",
        ),
        ("datetime.today()", "datetime.today", "use context.current_utc_datetime"),
        ("date.today()", "date.today", "use context.current_utc_datetime"),
        ("time.time()", "time.time", "use context.current_utc_datetime"),
        ("uuid.uuid1()", "uuid.uuid1", "use context.new_uuid()"),
        ("str(uuid.uuid4())", "uuid.uuid4", "use context.new_uuid()"),
        ("uuid4()", "uuid4", "use context.new_uuid()"),
        ("random.choice([1])", "random.choice", "call it in an activity"),
        ("secrets.token_hex()", "secrets.token_hex", "call it in an activity"),
        (
            "requests.get('x').json()",
            "requests.get",
            "call it in an activity, or use context.call_http",
        ),
        ("httpx.get('x')", "httpx.get", "call it in an activity, or use context.call_http"),
        (
            "urllib.request.urlopen('x')",
            "urllib.request.urlopen",
            "call it in an activity, or use context.call_http",
        ),
        ("subprocess.run(['x'])", "subprocess.run", "call it in an activity"),
    ],
)
def test_calls_that_block_or_are_not_deterministic_have_a_warning(
    app: AppFolder, run: MakeFunction, call: str, name: str, instead: str
) -> None:
    function = run(
        f"import time\n\ndef run(context):\n    yield context.call_activity('A')\n    x = {call}\n"
    )
    (warning,) = suspicious_calls(function, app.root)
    assert warning.startswith(f"{FILE} line 5: {name}(...) in an orchestrator ")
    assert warning.endswith(f"{instead}.")


@pytest.mark.parametrize(
    "call",
    [
        "context.new_uuid()",
        "randomly.choice()",
        "sleep(1)",
        "self.now()",
        "[1][0].now()",
        "requests",
        "mytime.times()",
    ],
)
def test_harmless_calls_have_no_warning(app: AppFolder, run: MakeFunction, call: str) -> None:
    assert list(suspicious_calls(run(f"def run(context):\n    yield {call}\n"), app.root)) == []


def test_a_function_without_source_is_not_checked(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec("def run(context):\n    time.sleep(1)\n", names)
    assert list(suspicious_calls(names["run"], tmp_path)) == []
    assert list(suspicious_calls(len, tmp_path)) == []


def test_a_call_in_a_function_that_the_orchestrator_calls_has_a_warning(
    app: AppFolder, run: MakeFunction
) -> None:
    function = run(
        """\
        import requests as http
        from time import sleep

        def deeper():
            sleep(1)
            deeper()

        def fetch(url):
            deeper()
            return http.get(url)

        def run(context):
            yield context.call_activity('A', fetch('x'))
        """
    )
    assert list(suspicious_calls(function, app.root)) == [
        f"{FILE} line 10: http.get(...) in 'fetch', which the orchestrator 'run' calls, does I/O "
        "in each replay and blocks every other orchestrator; call it in an activity, or use "
        "context.call_http.",
        f"{FILE} line 5: sleep(...) in 'deeper', which the orchestrator 'run' calls, blocks every "
        "other orchestrator and is repeated by each replay; use yield context.create_timer(...).",
    ]


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("from datetime import datetime as dt", "dt.now()"),
        ("import datetime as d", "d.datetime.utcnow()"),
        ("from uuid import uuid4 as new", "new()"),
        ("from random import randint", "randint(1, 2)"),
        ("import os", "os.urandom(3)"),
    ],
)
def test_an_alias_has_the_warning_of_its_function(
    app: AppFolder, run: MakeFunction, imports: str, call: str
) -> None:
    function = run(f"{imports}\ndef run(context):\n    yield {call}\n")
    [warning] = suspicious_calls(function, app.root)
    assert warning.startswith(f"{FILE} line 3: {call.partition('(')[0]}(...) in an orchestrator ")


def test_an_object_of_the_app_with_the_name_of_a_module_has_no_warning(
    app: AppFolder, run: MakeFunction
) -> None:
    function = run(
        """\
        class random:
            @staticmethod
            def choice():
                return 1

        def run(context):
            yield random.choice()
        """
    )
    assert list(suspicious_calls(function, app.root)) == []


def test_functions_of_libraries_are_not_examined(app: AppFolder, run: MakeFunction) -> None:
    function = run(
        """\
        import json

        def run(context):
            yield json.dumps(1)
        """
    )
    assert list(suspicious_calls(function, app.root)) == []
