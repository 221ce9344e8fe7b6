"""Messages about mistakes in an orchestrator's code, with their lines and the fixes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload
from embedded_worker.orchestrator_lint import (
    caller_position,
    shape_problem,
    suspicious_calls,
    thread_position,
)
from embedded_worker.orchestrator_sessions import OrchestratorSession
from tests.engine.scenario import after, completed
from tests.support.app_folder import AppFolder

FILE = "Main/__init__.py"
MakeFunction = Callable[..., Any]


@pytest.fixture
def run(app: AppFolder) -> MakeFunction:
    """Return a function that executes a module's code and returns its function ``run``."""

    def make(code: str) -> Any:
        file = app.write(FILE, code)
        names: dict[str, Any] = {"df": df}
        exec(compile(file.read_text(), str(file), "exec"), names)
        return names["run"]

    return make


def first_turn(function: Any, root: Path, *events: HistoryEvent) -> str:
    """Return the SDK's JSON for the first turn of an orchestrator."""
    started = h.execution_started(
        after(0), instance_id="i-1", execution_id="e-1", name="Main", input=None
    )
    payload = OrchestratorInput(
        "i-1", "e-1", [], [h.orchestrator_started(after(0)), started, *events], None, None
    )
    return OrchestratorSession(
        df.Orchestrator.create(function), orchestrator_payload(payload), root
    ).run_turn()


def failure(function: Any, root: Path, *events: HistoryEvent) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the SDK raises no other class
        first_turn(function, root, *events)
    return str(caught.value).split("\n\n$OutOfProcData$:")[0]


# -- yielded values and exceptions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("yielded", "expected"),
    [
        (
            "[context.call_activity('A')]",
            "a list, but must yield a task of its context: write yield context.task_all([...]).",
        ),
        (
            "(context.call_activity('A'),)",
            "a tuple, but must yield a task of its context: write yield context.task_all([...]).",
        ),
        ("", "nothing, but must yield a task of its context."),
        ("None", "nothing, but must yield a task of its context."),
        ("5", "a int, but must yield a task of its context."),
        (
            "context.signal_entity(df.EntityId('Counter', 'a'), 'add', 1)",
            "a signal, which has no result to wait for: write context.signal_entity(...) "
            "without yield.",
        ),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_yielding_another_value_than_a_task_is_refused(
    app: AppFolder, run: MakeFunction, yielded: str, expected: str, later: bool
) -> None:
    before = "yield context.call_activity('Echo')" if later else "pass"
    function = run(f"def run(context):\n    {before}\n    yield {yielded}\n")
    events = [completed(0)] if later else []
    assert (
        failure(function, app.root, *events) == f"{FILE} line 3: the orchestrator yields {expected}"
    )


@pytest.mark.parametrize("later", [False, True])
def test_continue_as_new_may_be_yielded(app: AppFolder, run: MakeFunction, later: bool) -> None:
    """Other languages yield continue_as_new. It returns no task, and the SDK ends the execution."""
    before = "yield context.call_activity('Echo')" if later else "pass"
    function = run(
        f"def run(context):\n    {before}\n"
        "    yield context.continue_as_new(5)\n    yield context.call_activity('Never')\n"
    )
    state = json.loads(first_turn(function, app.root, *([completed(0)] if later else [])))
    assert state["isDone"] is True
    [actions] = state["actions"]
    assert [action.get("functionName", action.get("input")) for action in actions] == (
        ["Echo"] if later else []
    ) + ["5"]
    assert actions[-1]["actionType"] == 4


def test_the_finally_block_of_a_refused_orchestrator_runs(
    app: AppFolder, run: MakeFunction
) -> None:
    function = run(
        """\
        ended = []

        def run(context):
            try:
                yield 5
            finally:
                ended.append(1)
        """
    )
    assert "yields a int" in failure(function, app.root)
    assert function.__globals__["ended"] == [1]


@pytest.mark.parametrize(
    "code",
    [
        "def run(context):\n    return context.call_activity('A')\n",
        "def run(context):\n    if False:\n        yield\n    return context.call_activity('A')\n",
    ],
)
def test_returning_a_task_is_refused(app: AppFolder, run: MakeFunction, code: str) -> None:
    expected = f"{FILE}: 'run' returns a task and not its result. Write return (yield context...)."
    assert failure(run(code), app.root) == expected


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("raise KeyError", "KeyError without a message at Main/__init__.py line 3"),
        ("raise ValueError()", "ValueError without a message at Main/__init__.py line 3"),
        ("assert context is None", "AssertionError without a message at Main/__init__.py line 3"),
        ("raise ValueError('boom')", "boom"),
    ],
)
def test_an_exception_without_a_message_is_reported_with_its_line(
    app: AppFolder, run: MakeFunction, raised: str, expected: str
) -> None:
    function = run(f"def run(context):\n    yield context.call_activity('A')\n    {raised}\n")
    assert failure(function, app.root, completed(0)) == expected


def test_the_orchestrator_gets_results_and_exceptions(app: AppFolder, run: MakeFunction) -> None:
    function = run(
        """\
        def run(context):
            first = yield context.call_activity("A")
            try:
                yield context.call_activity("B")
            except Exception as error:
                return [first, str(error)]
        """
    )
    failed = h.task_failed(after(1), 1, "boom", "why")
    assert '"output": [5, "boom \\n why"]' in first_turn(
        function, app.root, completed(0, "5"), failed
    )


def test_an_orchestrator_without_a_yield_returns_its_value(
    app: AppFolder, run: MakeFunction
) -> None:
    assert '"output": 3' in first_turn(run("def run(context):\n    return 3\n"), app.root)


# -- loaded code -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        (
            "async def run(context):\n    await context.call_activity('A')\n",
            "orchestrationTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def, with yield "
            "instead of await.",
        ),
        (
            "async def run(context):\n    yield context.call_activity('A')\n",
            "orchestrationTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def, with yield "
            "instead of await.",
        ),
        (
            "async def run(context):\n    pass\n",
            "entityTrigger",
            "'run' is an async def, which the SDK does not run. Make it a plain def.",
        ),
    ],
)
def test_an_async_def_orchestrator_is_refused(
    run: MakeFunction, code: str, kind: str, expected: str
) -> None:
    factory = df.Orchestrator if kind == "orchestrationTrigger" else df.Entity
    handle = factory.create(run("\n\n" + code))
    assert shape_problem(handle, kind, FILE, "main") == f"{FILE} line 3: {expected}"
    assert shape_problem(handle, kind, f"{FILE} line 9", "main") == f"{FILE} line 9: {expected}"


@pytest.mark.parametrize(
    "code",
    [
        "def run(context):\n    yield 1\n",
        "async def run(context):\n    pass\n",
        "async def run(context):\n    yield 1\n",
    ],
)
def test_the_entry_point_must_be_the_result_of_create(run: MakeFunction, code: str) -> None:
    function = run(code)
    assert shape_problem(function, "orchestrationTrigger", FILE, "main") == (
        f"'main' in {FILE} is the orchestrator function itself. Rename it, for example to run, "
        "make it a plain def, and add below it: main = df.Orchestrator.create(run)."
    )
    entity = shape_problem(function, "entityTrigger", FILE, "main")
    assert entity is not None
    assert "is the entity function itself" in entity
    assert entity.endswith("main = df.Entity.create(run).")


def test_valid_functions_have_no_shape_problem(run: MakeFunction) -> None:
    generator = run("def run(context):\n    yield 1\n")
    assert (
        shape_problem(df.Orchestrator.create(generator), "orchestrationTrigger", FILE, "main")
        is None
    )
    assert (
        shape_problem(df.Entity.create(lambda context: None), "entityTrigger", FILE, "main") is None
    )
    assert shape_problem(lambda context: None, "orchestrationTrigger", FILE, "main") is None
    assert (
        shape_problem(run("async def run(req):\n    pass\n"), "httpTrigger", FILE, "main") is None
    )


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


# -- positions -------------------------------------------------------------------------------------


def test_thread_position_names_the_line_of_the_app(app: AppFolder, run: MakeFunction) -> None:
    function = run(
        """\
        def run(event, reached):
            reached.set()
            event.wait()  # here
        """
    )
    event, reached = threading.Event(), threading.Event()
    thread = threading.Thread(target=function, args=(event, reached))
    thread.start()
    assert reached.wait(5)
    assert thread.ident is not None
    position = ""
    while "here" not in position:  # the thread may still be between the two lines
        position = thread_position(thread.ident, app.root) or ""
    assert position == f"{FILE} line 3: event.wait()  # here"
    assert thread_position(thread.ident, app.root / "elsewhere") is None
    event.set()
    thread.join()
    assert thread_position(thread.ident, app.root) is None


def test_caller_position_names_the_line_of_the_app(app: AppFolder, run: MakeFunction) -> None:
    function = run("def run(position, root):\n    return position(root)\n")
    assert function(caller_position, app.root) == f"{FILE} line 2"
    assert function(caller_position, app.root / "elsewhere") == "?"
    assert function(caller_position, app.root.with_name(app.root.name[:-1])) == "?", (
        "only the start of the path is the same"
    )
