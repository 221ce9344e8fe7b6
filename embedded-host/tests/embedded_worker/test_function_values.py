"""Arguments and return values of functions."""

from __future__ import annotations

import json

import pytest

from embedded_worker.protocol import (
    FindingData,
    HttpResponseData,
)
from embedded_worker.runner import Runner
from tests.embedded_worker.conftest import MakeRunner
from tests.support.app_folder import (
    CLIENT,
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
)
from tests.support.worker_calls import error, invoke, load_of, request, value


def content_types(response: HttpResponseData) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "content-type"]


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
