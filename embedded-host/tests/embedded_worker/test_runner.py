"""Functions in a runner: their arguments, return values and exceptions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload
from embedded_host.protocols.v1.errors import OUT_OF_PROC_LABEL
from embedded_worker import runner as worker_runner
from embedded_worker.protocol import (
    ErrorData,
    FindingData,
    HttpRequestData,
    HttpResponseData,
    InvocationRequest,
    InvocationResult,
    TurnRequest,
)
from embedded_worker.runner import Runner
from tests.support.app_folder import (
    CLIENT,
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
    orchestration_trigger,
)
from tests.support.worker_calls import load_of, request, run

MakeRunner = Callable[[AppFolder], Runner]


@pytest.fixture
def running() -> MakeRunner:
    """Return a function that creates a runner with an app loaded without problems."""

    def make(app: AppFolder) -> Runner:
        runner = Runner()
        assert runner.load(load_of(app)).problems == []
        return runner

    return make


async def invoke(
    runner: Runner, name: str, trigger: HttpRequestData | str = "null", client: str = ""
) -> InvocationResult:
    return await run(runner, InvocationRequest(1, name, trigger, "the-invocation", client))


async def value(runner: Runner, name: str, trigger: HttpRequestData | str = "null") -> Any:
    result = await invoke(runner, name, trigger)
    assert result.error is None
    return result.value


async def error(runner: Runner, name: str, trigger: HttpRequestData | str = "null") -> ErrorData:
    result = await invoke(runner, name, trigger)
    assert result.error is not None
    assert "embedded_host" not in result.error.stack
    return result.error


def content_types(response: HttpResponseData) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "content-type"]


# -- programming models ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "is_hidden"),
    [
        ("import azure.functions as func\napp = func.FunctionApp()\n", False),
        ("", True),
        ("import azure.functions as func\n", True),
        ("1 / 0\n", True),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.route('a')\ndef a(req): ...\n",
            True,
        ),
    ],
    ids=["app without functions", "empty", "no app", "error", "functions"],
)
def test_only_an_app_object_without_functions_leaves_the_folders_to_be_loaded(
    app: AppFolder, script: str, is_hidden: bool
) -> None:
    app.activity("Echo", "return value")
    app.write("function_app.py", script)
    runner = Runner()
    result = runner.load(load_of(app)._replace(v2_script="function_app.py"))
    assert ("Echo" not in runner.functions) == is_hidden
    assert (not result.problems and not result.functions) == (not is_hidden)


# -- HTTP functions --------------------------------------------------------------------------------


async def test_a_function_gets_the_request_as_an_object(
    app: AppFolder, running: MakeRunner
) -> None:
    app.http(
        "Echo",
        """
        import json
        import azure.functions as func

        def main(req: func.HttpRequest) -> str:
            fields = [
                req.method,
                req.url,
                req.headers["X-PROBE"],
                dict(req.params),
                dict(req.route_params),
                req.get_json(),
            ]
            return func.HttpResponse(
                json.dumps(fields),
                status_code=201,
                headers={"X-Out": "1"},
                mimetype="application/json",
            )
        """,
    )
    response = await value(running(app), "Echo", request(b'{"a": 1}', "POST", q="2"))
    assert json.loads(response.body) == [
        "POST",
        "http://localhost/api/x",
        "v",
        {"q": "2"},
        {"id": "7"},
        {"a": 1},
    ]
    assert response.status == 201
    assert ("X-Out", "1") in [(name.title(), value) for name, value in response.headers]
    assert content_types(response) == ["application/json"]


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_a_string_becomes_the_body_of_a_response(
    app: AppFolder, running: MakeRunner, define: str
) -> None:
    app.http("Hello", f"{define} main(req): return 'h\u00e9'")
    response = await value(running(app), "Hello", request())
    assert (response.status, response.body) == (200, "h\u00e9".encode())
    assert content_types(response) == ["text/plain; charset=utf-8"]


@pytest.mark.parametrize(
    ("text", "status", "content_type", "body"),
    [
        ('{"a":1}', 200, "text/plain; charset=utf-8", b'{\n  "a": 1\n}'),
        ("[1]", 200, "text/plain; charset=utf-8", b"[\n  1\n]"),
        ('{"body": "b", "status": 202}', 202, "text/plain; charset=utf-8", b"b"),
        (
            '{"body": {"x": 1}, "statusCode": "203"}',
            203,
            "text/plain; charset=utf-8",
            b'{"x":1}',
        ),
        (
            '{"body": "b", "headers": {"Content-Type": "text/x"}}',
            200,
            "text/x; charset=utf-8",
            b"b",
        ),
        ("{not json", 200, "text/plain; charset=utf-8", b"{not json"),
    ],
)
async def test_a_json_string_is_indented(
    app: AppFolder, running: MakeRunner, text: str, status: int, content_type: str, body: bytes
) -> None:
    app.http("Hello", f"def main(req): return {text!r}")
    response = await value(running(app), "Hello", request())
    assert (response.status, content_types(response), response.body) == (
        status,
        [content_type],
        body,
    )


@pytest.mark.parametrize("returned", ["None", "{'a': 1}", "7"])
async def test_a_return_value_that_is_not_a_response_fails_the_function(
    app: AppFolder, running: MakeRunner, returned: str
) -> None:
    app.http("Hello", f"def main(req): return {returned}")
    failed = await error(running(app), "Hello", request())
    assert failed.type == "TypeError"
    assert "unable to encode outgoing TypedData" in failed.message
    assert "Return a func.HttpResponse or a str from 'Hello'" in failed.message


async def test_each_cookie_has_its_own_header(app: AppFolder, running: MakeRunner) -> None:
    app.http(
        "Hello",
        """
        import azure.functions as func

        def main(req):
            response = func.HttpResponse("x")
            response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
            response.headers.add("Set-Cookie", "b=2")
            return response
        """,
    )
    response = await value(running(app), "Hello", request())
    cookies = [value for name, value in response.headers if name.lower() == "set-cookie"]
    assert cookies == ["a=1; domain=; path=/; httponly", "b=2; domain=; path="]


async def test_an_output_parameter_sets_the_response(app: AppFolder, running: MakeRunner) -> None:
    code = """
        import azure.functions as func

        def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
            if req.params.get("set"):
                res.set(func.HttpResponse("named", status_code=201))
        """
    app.function("Hello", code, http_trigger(), {"name": "res", "type": "http", "direction": "out"})
    runner = running(app)
    response = await value(runner, "Hello", request(set="1"))
    assert (response.status, response.body) == (201, b"named")
    assert (await value(runner, "Hello", request())).status == 204


async def test_a_return_value_without_a_return_binding_fails_an_http_function(
    app: AppFolder, running: MakeRunner
) -> None:
    app.function("Hello", "def main(req): return 'x'", http_trigger())
    failed = await error(running(app), "Hello", request())
    assert "'Hello' without a $return bindingreturned a non-None value" in failed.message


async def test_a_value_without_a_return_binding_fails_although_an_output_is_set(
    app: AppFolder, running: MakeRunner
) -> None:
    app.function(
        "Hello",
        "def main(req, res):\n    res.set('named')\n    return 'x'",
        http_trigger(),
        {"name": "res", "type": "http", "direction": "out"},
    )
    assert (await error(running(app), "Hello", request())).type == "RuntimeError"


@pytest.mark.parametrize("code", ["def main(req): pass", "async def main(req): pass"])
async def test_without_a_return_binding_none_is_204(
    app: AppFolder, running: MakeRunner, code: str
) -> None:
    app.function("Hello", code, http_trigger())
    assert await value(running(app), "Hello", request()) == HttpResponseData(204, [], b"")


async def test_a_lost_cookie_is_reported(app: AppFolder, running: MakeRunner) -> None:
    app.http(
        "Hello",
        "import azure.functions as func\n"
        "def main(req): return func.HttpResponse('x', headers={'Set-Cookie': 'a=b c'})",
    )
    runner = running(app)
    found: list[FindingData] = []
    runner.report = found.append
    response = await value(runner, "Hello", request())
    assert [name.lower() for name, _ in response.headers] == ["content-type"]
    assert found == [FindingData("EH821", "Hello")]


async def test_a_client_parameter_gets_the_value_of_the_binding(
    app: AppFolder, running: MakeRunner
) -> None:
    app.function(
        "Hello", "def main(req, starter: str): return starter", http_trigger(), CLIENT, HTTP_OUT
    )
    result = await invoke(running(app), "Hello", request(), client="the binding")
    assert isinstance(result.value, HttpResponseData)
    assert result.value.body == b"the binding"


async def test_the_context_parameter_has_the_invocation(
    app: AppFolder, running: MakeRunner
) -> None:
    app.activity("Other", "return None")
    code = (
        "def main(value, context):\n"
        "    return [context.function_name, context.invocation_id, context.function_directory]"
    )
    app.function("Hello", code, activity_trigger())
    app.function(
        "Thread",
        "def main(value, context): return context.thread_local_storage.invocation_id",
        activity_trigger(),
    )
    runner = running(app)
    assert json.loads(await value(runner, "Hello")) == [
        "Hello",
        "the-invocation",
        str(app.root / "Hello"),
    ]
    assert json.loads(await value(runner, "Thread")) == "the-invocation"


# -- activities ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["null", "7", "1.5", '"text"', '"7"', '[1,"a",null]', '{"a":{"b":[1]}}', "true"]
)
async def test_an_activitys_input_and_output_are_json(
    app: AppFolder, running: MakeRunner, text: str
) -> None:
    app.activity("Echo", "return value")
    assert json.loads(await value(running(app), "Echo", text)) == json.loads(text)


async def test_an_input_with_invalid_json_is_passed_as_a_string(
    app: AppFolder, running: MakeRunner
) -> None:
    app.activity("Echo", "return [type(value).__name__, value]")
    assert json.loads(await value(running(app), "Echo", "plain text")) == ["str", "plain text"]


async def test_classes_with_to_json_are_converted(app: AppFolder, running: MakeRunner) -> None:
    app.write("shared/__init__.py", "")
    app.write(
        "shared/orders.py",
        """
        class Order:
            def __init__(self, number): self.number = number

            @staticmethod
            def to_json(order): return {"number": order.number}

            @staticmethod
            def from_json(data): return Order(data["number"])
        """,
    )
    app.function(
        "Next",
        "from shared.orders import Order\ndef main(value): return Order(value.number + 1)",
        activity_trigger(),
    )
    envelope = {"__class__": "Order", "__module__": "shared.orders", "__data__": {"number": 1}}
    output = json.loads(await value(running(app), "Next", json.dumps(envelope)))
    assert (output["__class__"], output["__data__"]) == ("Order", {"number": 2})


async def test_an_unserializable_output_is_named(app: AppFolder, running: MakeRunner) -> None:
    app.activity("Hello", "return {1, 2}")
    failed = await error(running(app), "Hello")
    assert failed.type == "ValueError"
    assert failed.message.startswith(
        "activity trigger output must be json serializable ({1, 2}). The return value of function "
        "'Hello', a set, cannot be converted to JSON: "
    )


# -- exceptions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_an_exceptions_stack_begins_with_the_users_frames(
    app: AppFolder, running: MakeRunner, define: str
) -> None:
    app.write("shared/__init__.py", "")
    app.write("shared/deep.py", "def fall(): raise ValueError('boom')")
    app.function(
        "Hello",
        f"from shared import deep\n{define} main(value):\n    deep.fall()\n",
        activity_trigger(),
    )
    failed = await error(running(app), "Hello")
    assert (failed.type, failed.message) == ("ValueError", "boom")
    frames = [line.strip() for line in failed.stack.splitlines() if line.startswith("  File ")]
    assert len(frames) == 2
    assert str(app.root / "Hello") in frames[0]
    assert "line 3" in frames[0]
    assert "deep.py" in frames[1]


async def test_the_traceback_includes_the_cause(app: AppFolder, running: MakeRunner) -> None:
    app.activity(
        "Hello",
        "try:\n    {}['k']\nexcept KeyError as error:\n"
        "    raise ValueError('no such city') from error",
    )
    stack = (await error(running(app), "Hello")).stack
    assert "KeyError: 'k'" in stack
    assert "The above exception was the direct cause" in stack


@pytest.mark.parametrize("define", ["def", "async def"])
@pytest.mark.parametrize("raised", ["StopIteration('x')", "StopAsyncIteration('x')"])
async def test_exceptions_with_a_meaning_for_the_event_loop_fail_the_function(
    app: AppFolder, running: MakeRunner, define: str, raised: str
) -> None:
    app.function("Hello", f"{define} main(value):\n    raise {raised}\n", activity_trigger())
    app.activity("Echo", "return value")
    runner = running(app)
    failed = await asyncio.wait_for(error(runner, "Hello"), 5)
    assert raised.split("(")[0] in failed.type + failed.stack + failed.message
    assert await value(runner, "Echo", "1") == "1"


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_an_exception_that_the_worker_of_azure_does_not_catch_is_reported(
    app: AppFolder, running: MakeRunner, define: str
) -> None:
    code = f"class Stop(BaseException): pass\n{define} main(value):\n    raise Stop('now')\n"
    app.function("Hello", code, activity_trigger())
    app.activity("Fails", "raise ValueError")
    runner = running(app)
    found: list[FindingData] = []
    runner.report = found.append
    await error(runner, "Fails")
    failed = await error(runner, "Hello")
    assert (failed.type, failed.message) == ("Stop", "now")
    raised = "Stop is not a subclass of Exception."
    assert found == [FindingData("EH863", "Hello", raised, "Hello/__init__.py", 3)]


async def test_a_function_that_cannot_be_loaded_fails_with_the_reason(app: AppFolder) -> None:
    app.activity("Good", "return 1")
    app.function("Bad", "import no_such_thing", activity_trigger())
    runner = Runner()
    loaded = runner.load(load_of(app))
    assert [problem.function for problem in loaded.problems] == ["Bad"]
    assert "no_such_thing" in loaded.problems[0].text
    failed = await error(runner, "Bad")
    assert "No module named 'no_such_thing'" in failed.message
    assert await value(runner, "Good") == "1"


async def test_an_unknown_function_fails(app: AppFolder, running: MakeRunner) -> None:
    app.activity("Good", "return 1")
    assert "no function 'Bad'" in (await error(running(app), "Bad")).message


# -- orchestrators ---------------------------------------------------------------------------------


def first_turn(text: str | None = None) -> str:
    """Return the payload of an orchestrator's first turn."""
    now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    common = {"EventId": -1, "IsPlayed": False, "Timestamp": now}
    started = {"EventType": 0, "Name": "Hello", "Input": text, "Version": None, **common}
    return json.dumps(
        {
            "history": [{"EventType": 12, **common}, started],
            "input": text,
            "instanceId": "i",
            "isReplaying": False,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


async def test_an_orchestrator_returns_its_actions(app: AppFolder, running: MakeRunner) -> None:
    app.orchestrator(
        "Hello", "r = yield context.call_activity('Echo', context.get_input())\nreturn r"
    )
    state = json.loads(await value(running(app), "Hello", first_turn('"World"')))
    assert state["isDone"] is False
    assert state["actions"] == [[{"actionType": 0, "functionName": "Echo", "input": '"World"'}]]


async def test_an_orchestrators_failure_keeps_the_sdks_state(
    app: AppFolder, running: MakeRunner
) -> None:
    app.orchestrator("Hello", "raise ValueError('blew up')\nyield")
    failed = await error(running(app), "Hello", first_turn())
    text, label, state = failed.message.partition(OUT_OF_PROC_LABEL)
    assert text == "blew up"
    assert label
    assert json.loads(state)["error"] == "blew up"
    assert failed.stack.rstrip().endswith("ValueError: blew up")
    assert str(app.root / "Hello") in failed.stack


async def test_a_decorator_of_an_orchestrator_runs_in_each_turn(
    app: AppFolder, running: MakeRunner
) -> None:
    app.write(
        "counted.py",
        """
        import functools
        turns = []
        def counted(handle):
            @functools.wraps(handle)
            def run(context):
                turns.append(1)
                return handle(context)
            return run
        """,
    )
    app.orchestrator("Hello", "yield context.call_activity('Echo', len(counted.turns))")
    code = app.root / "Hello" / "__init__.py"
    text = code.read_text().replace("main = df", "import counted\nmain = df")
    code.write_text(text + "main = counted.counted(main)\n")
    runner = running(app)
    turn = TurnRequest(1, "Hello", "i", "e", first_turn())
    for count in (1, 2):
        result = await run(runner, turn)
        assert result.error is None
        assert result.kept is False
        assert json.loads(str(result.value))["actions"][0][0]["input"] == str(count)
    later = await run(runner, TurnRequest(1, "Hello", "i", "e", "[]", 2))
    assert later.missing, "the host then sends the whole history"


async def test_a_request_annotated_with_str_fails_when_called(
    app: AppFolder, running: MakeRunner
) -> None:
    app.function("Hello", "def main(req: str): ...", http_trigger(), HTTP_OUT)
    failure = await error(running(app), "Hello", request())
    assert failure.type == "ValueError"
    assert failure.message.startswith(
        "unexpected type of data received for the \"generic\" binding : 'http'. "
    )


@pytest.mark.parametrize(
    ("trigger", "output", "code", "refusal"),
    [
        (
            "httptrigger",
            "http",
            "def main(req: func.HttpRequest): ...",
            'binding in function.json "httptrigger"',
        ),
        ("httpTrigger", "Http", "def main(req) -> func.HttpResponse: ...", 'binding type "Http"'),
    ],
)
def test_an_annotation_does_not_match_a_type_in_another_case(
    app: AppFolder, trigger: str, output: str, code: str, refusal: str
) -> None:
    bindings = {**http_trigger(), "type": trigger}, {**HTTP_OUT, "type": output}
    app.function("Web", f"import azure.functions as func\n{code}", *bindings)
    loaded = Runner().load(load_of(app))
    (problem,) = loaded.problems
    assert refusal in problem.text
    assert [(finding.code, finding.function) for finding in loaded.findings] == [("EH819", "Web")]


@pytest.mark.parametrize(
    ("trigger", "output", "message", "fix"),
    [
        ("HttpTrigger", "http", "for the \"generic\" binding : 'http'", 'Write "httpTrigger"'),
        ("httpTrigger", "HTTP", "cannot send a value of type HttpResponse", 'Write "http" instead'),
    ],
)
async def test_an_http_function_with_a_type_in_another_case_fails_when_called(
    app: AppFolder, trigger: str, output: str, message: str, fix: str
) -> None:
    bindings = {**http_trigger(), "type": trigger}, {**HTTP_OUT, "type": output}
    code = "import azure.functions as func\ndef main(req): return func.HttpResponse('x')"
    app.function("Web", code, *bindings)
    runner = Runner()
    loaded = runner.load(load_of(app))
    assert [finding.code for finding in loaded.findings] == ["EH819"]
    assert fix in loaded.findings[0].detail
    assert message in (await error(runner, "Web", request())).message


async def test_an_activity_with_a_type_in_another_case_gets_text(
    app: AppFolder, running: MakeRunner
) -> None:
    trigger = {**activity_trigger(), "type": "ActivityTrigger"}
    app.function("Echo", "def main(value): return {'got': value}", trigger)
    assert json.loads(await value(running(app), "Echo", '"Tokyo"')) == {"got": '"Tokyo"'}


async def test_a_timer_function_with_a_type_in_another_case_gets_text(
    app: AppFolder, running: MakeRunner
) -> None:
    trigger = {"name": "t", "type": "timertrigger", "direction": "in", "schedule": "0 0 0 1 1 *"}
    app.function("Tick", "def main(t): assert t == '{}', t", trigger)
    await value(running(app), "Tick", "{}")


def test_the_load_result_has_the_findings_of_signatures(app: AppFolder) -> None:
    app.function("Fails", "def main(req: str): ...", http_trigger(), HTTP_OUT)
    app.function("Refused", "def main(value, more=1): ...", activity_trigger())
    result = Runner().load(load_of(app))
    assert [problem.function for problem in result.problems] == ["Refused"]
    assert [(f.code, f.function, f.file, f.line) for f in result.findings] == [
        ("EH817", "Fails", "Fails/__init__.py", 1),
        ("EH814", "Refused", "Refused/__init__.py", 1),
    ]


# -- parity findings -------------------------------------------------------------------------------


_EMPTY_ERROR = """
    raise Exception('\\n\\n$OutOfProcData$:{"isDone": false, "actions": [[]]}') from KeyError()
"""


@pytest.mark.parametrize("is_kept", [False, True])
async def test_an_exception_without_a_text_is_a_finding_of_the_orchestrator(
    app: AppFolder, running: MakeRunner, monkeypatch: pytest.MonkeyPatch, is_kept: bool
) -> None:
    """The newer versions of the SDK pass on the class of such an exception."""
    app.function("Main", f"def main(context):{_EMPTY_ERROR}", orchestration_trigger())
    app.orchestrator("Kept", "raise ValueError('boom')\nyield")
    runner = running(app)
    found: list[FindingData] = []
    runner.report = found.append
    name = "Main"
    if is_kept:
        name = "Kept"
        monkeypatch.setattr(worker_runner, "has_empty_error", lambda error: True)
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    payload = orchestrator_payload(
        OrchestratorInput(
            "i",
            "e",
            (),
            (
                h.orchestrator_started(at),
                h.execution_started(at, instance_id="i", execution_id="e", name=name, input=None),
            ),
            None,
            None,
        )
    )
    result = await run(runner, TurnRequest(1, name, "i", "e", payload))
    assert result.error is not None
    assert found == [FindingData("EH887", name, instance_id="i" if is_kept else "")]
