"""HTTP triggers: routing, trigger data and responses.

See functions-host.md#http-routing to #http-responses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded_host.access_keys.access import Access
from embedded_host.access_keys.key_file import KeyFile
from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.app.http_route import HttpRoute
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.http.authorization import Authorization
from embedded_host.http.functions import HttpFunctions
from embedded_host.http.throttle import SCALE_OUT, Throttle
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.http import CHUNKED_BODY
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.web.request import BodyTooLargeError, Request
from embedded_host.web.response import Response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    LogHandler,
    WorkerStatus,
    ignore_finding,
    ignore_logs,
    respond_unavailable,
)
from embedded_worker.protocol import (
    ErrorData,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
    LoadRequest,
    LoadResult,
)
from tests.http.api import request


class FakeWorker:
    """A worker that returns ``response`` for every call, and records the calls in ``calls``."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, HttpRequestData, str]] = []
        self.on_client_request: ClientRequestHandler = respond_unavailable
        self.on_finding: FindingHandler = ignore_finding
        self.on_logs: LogHandler = ignore_logs
        self.response: InvocationResult | Exception = InvocationResult(
            1, HttpResponseData(200, [], b"")
        )

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        assert isinstance(invocation.trigger, HttpRequestData)
        assert len(invocation.invocation_id) == 36
        self.calls.append((invocation.function, invocation.trigger, invocation.client))
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    def status(self) -> WorkerStatus:
        return WorkerStatus((), 0)

    async def start(self) -> None: ...

    async def load(self, load: LoadRequest) -> LoadResult:
        raise NotImplementedError

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        raise NotImplementedError

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        raise NotImplementedError

    async def close(self, grace: float) -> None: ...


def loaded(*routes: HttpRoute, **parts: Any) -> LoadedApp:
    """Return an app with these routes. ``parts`` are other fields of LoadedApp."""
    app = App(Path("app"), HostJson(), LocalSettings(), tuple(r.function for r in routes))
    return LoadedApp(app, {r.function.name: r for r in routes}, **parts)


def route(
    name: str, route: str | None = None, *methods: str, prefix: str = "api", client: bool = False
) -> HttpRoute:
    properties = {"route": route, "methods": list(methods)} if methods else {"route": route}
    bindings = [Binding("httpTrigger", "req", "in", properties)]
    if client:
        bindings.append(Binding("durableClient", "starter", "in"))
    function = Function(name, Path(), Path("x.py"), "main", tuple(bindings))
    return HttpRoute.of(function, prefix)


class HttpFunctionsFixture:
    def __init__(
        self,
        *routes: HttpRoute,
        throttle: Throttle | None = None,
        findings: Findings | None = None,
    ) -> None:
        self.worker = FakeWorker()
        self.app = CurrentApp(loaded(*routes))
        self.functions = HttpFunctions(
            self.app,
            self.worker,
            lambda base, grpc: f"binding of {base}",
            throttle,
            findings=findings,
        )

    async def request(
        self, method: str, target: str, body: bytes | None = None, **headers: str
    ) -> Response:
        return await self.functions.handle(request(method, target, body, headers))

    async def called(self, method: str, target: str) -> str | None:
        """Return the name of the function that the request reached, or None."""
        before = len(self.worker.calls)
        response = await self.request(method, target)
        if len(self.worker.calls) > before:
            return self.worker.calls[-1][0]
        assert (response.status, response.body, response.headers) == (404, b"", [])
        return None

    async def seen(
        self, method: str, target: str, body: bytes | None = None, **headers: str
    ) -> HttpRequestData:
        await self.request(method, target, body, **headers)
        return self.worker.calls[-1][1]

    async def respond(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> Response:
        self.worker.response = InvocationResult(1, HttpResponseData(status, list(headers), body))
        return await self.request("GET", "/api/f")


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        ("GET", "/api/only", "OnlyGet"),
        ("GET", "/API/Only/", "OnlyGet"),
        ("HEAD", "/api/only", None),
        ("OPTIONS", "/api/only", None),
        ("POST", "/api/only", None),
        *(
            (method, "/api/Any", "Any")
            for method in ("GET", "HEAD", "OPTIONS", "PATCH", "PUT", "DELETE", "TRACE")
        ),
        ("GET", "/only", None),
        ("GET", "//api/only", None),
        ("GET", "/api", None),
        ("GET", "/api/", None),
        ("GET", "/", None),
        ("GET", "/api/OnlyGet", None),
        ("GET", "/favicon.ico", None),
        ("POST", "/api/shared/1", "SharedPost"),
        ("GET", "/api/shared/1", "SharedAny"),
        ("GET", "/api/int/5", "Int"),
        ("GET", "/api/int/five", None),
        ("GET", "/api/int/5/6", None),
    ],
)
async def test_a_request_reaches_the_function_whose_route_and_method_match(
    method: str, target: str, name: str | None
) -> None:
    fixture = HttpFunctionsFixture(
        route("OnlyGet", "only", "get"),
        route("Any"),
        route("SharedPost", "shared/{id}", "POST"),
        route("SharedAny", "shared/{*rest}", "get", "Put"),
        route("Int", "int/{id:int}"),
    )
    assert await fixture.called(method, target) == name
    assert fixture.functions.has_route_for(request(method, target)) is (name is not None)


async def test_an_empty_list_of_methods_matches_no_request() -> None:
    function = Function(
        "F", Path(), Path("x.py"), "main", (Binding("httpTrigger", "req", "in", {"methods": []}),)
    )
    assert await HttpFunctionsFixture(HttpRoute.of(function, "api")).called("GET", "/api/F") is None


async def test_of_several_matching_functions_the_first_by_name_is_called() -> None:
    fixture = HttpFunctionsFixture(
        route("B", "x/{any}"), route("a", "x/{*rest}"), route("C", "x/exact")
    )
    assert await fixture.called("GET", "/api/x/exact") == "a"


async def test_routes_match_without_a_prefix() -> None:
    fixture = HttpFunctionsFixture(
        route("F", "x/{a=1}", prefix=""), route("Root", "{*rest}", prefix="")
    )
    assert await fixture.called("GET", "/x") == "F"
    assert await fixture.called("GET", "/") == "Root"
    assert await fixture.called("GET", "/api/x") == "Root"


async def test_a_replaced_app_is_served_at_once() -> None:
    fixture = HttpFunctionsFixture(route("Old", "x"))
    assert await fixture.called("GET", "/api/x") == "Old"
    fixture.app.replace(loaded(route("New", "x")))
    assert await fixture.called("GET", "/api/x") == "New"


async def test_the_text_of_a_route_has_the_prefix_and_no_final_slash() -> None:
    assert [route("F").text, route("F", "a/{b?}/").text, route("F", "a", prefix="").text] == [
        "api/F",
        "api/a/{b?}",
        "a",
    ]


@pytest.mark.parametrize(
    ("target", "values"),
    [
        ("/api/f/1/b%20c", {"a": "1", "rest": "b c"}),
        ("/api/f/x%2Fy/c/d/", {"a": "x%2Fy", "rest": "c/d/"}),
        ("/api/f/%C3%BC", {"a": "ü"}),
        ("/api/f", {"a": "one"}),
        ("/api/f/a+b", {"a": "a+b"}),
    ],
)
async def test_route_values_are_decoded_except_for_slashes(
    target: str, values: dict[str, str]
) -> None:
    fixture = HttpFunctionsFixture(route("F", "f/{a=one}/{*rest}"))
    assert (await fixture.seen("GET", target)).route == values


async def test_a_function_receives_the_recorded_form_of_the_request() -> None:
    fixture = HttpFunctionsFixture(route("F", "f", client=True), route("G", "g"))
    target = "/API/F?Name=%C3%A9&x=1&X=2&empty=&b=a+b"
    seen = await fixture.seen(
        "PUT", target, b"\x00\xff", **{"X-Probe": "a,b", "Content-Type": "text/x"}
    )
    assert (seen.method, seen.url, seen.body) == ("PUT", f"http://host:7071{target}", b"\x00\xff")
    assert seen.query == {"Name": "é", "x": "1,2", "b": "a b"}
    assert seen.headers == {"x-probe": "a,b", "content-type": "text/x", "content-length": "2"}
    assert fixture.worker.calls[-1][2] == "binding of http://host:7071"
    await fixture.request("GET", "/api/g")
    assert fixture.worker.calls[-1][2] == ""


async def chunked(fixture: HttpFunctionsFixture) -> bytes:
    """Return the body that the function receives for a chunked body."""

    async def read() -> bytes:
        return b"body"

    sent = request("POST", "/api/f", headers={"Transfer-Encoding": "chunked"})
    await fixture.functions.handle(Request("POST", "/api/f", "", sent.headers, "http://h", read))
    body: bytes = fixture.worker.calls[-1][1].body
    return body


async def test_a_chunked_body_reaches_the_function_with_a_finding() -> None:
    findings = Findings(HostJson())
    fixture = HttpFunctionsFixture(route("F", "f"), findings=findings)
    assert await chunked(fixture) == b"body"
    assert [(found.kind, found.function) for found in findings] == [(CHUNKED_BODY, "F")]


async def test_in_strict_mode_a_chunked_body_reaches_the_function_empty() -> None:
    findings = Findings(HostJson(), is_strict=True)
    fixture = HttpFunctionsFixture(route("F", "f"), findings=findings)
    assert await chunked(fixture) == b""
    assert not list(findings)


async def test_a_body_over_the_limit_is_a_500_that_names_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))

    async def read() -> bytes:
        raise BodyTooLargeError(1000)

    sent = request("POST", "/api/f", b"x" * 1001)
    response = await fixture.functions.handle(
        Request("POST", "/api/f", "", sent.headers, "http://h", read)
    )
    assert (response.status, response.close, fixture.worker.calls) == (500, True, [])
    assert b"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT" in response.body
    assert "Request body too large. The max request body size is 1000 bytes." in caplog.text


async def test_a_request_without_a_host_is_500() -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    sent = replace(request("GET", "/api/f"), lacks_host=True)
    assert (await fixture.functions.handle(sent)).status == 500
    assert not fixture.worker.calls
    unknown = replace(request("GET", "/api/unknown"), lacks_host=True)
    assert (await fixture.functions.handle(unknown)).status == 404


async def test_the_response_of_a_function_is_sent_unchanged() -> None:
    headers = [("Content-Type", "text/html; charset=latin-1"), ("Set-Cookie", "a=1")]
    response = await HttpFunctionsFixture(route("F", "f")).respond(201, b"\x00\xff", *headers)
    assert (response.status, response.body, response.headers) == (201, b"\x00\xff", headers)


async def test_a_failed_function_is_an_empty_500_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    fixture.worker.response = InvocationResult(
        1, error=ErrorData("SystemExit", "2", "Traceback: main")
    )
    response = await fixture.request("GET", "/api/f")
    assert (response.status, response.body, response.headers) == (500, b"", [])
    assert "Function 'F' failed: SystemExit: 2 [EH320]\nTraceback: main" in caplog.text


async def test_a_function_that_did_not_load_responds_with_the_reason() -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    fixture.worker.response = InvocationResult(
        1, error=ErrorData("FunctionLoadError", "No module named 'x'")
    )
    response = await fixture.request("GET", "/api/f")
    assert (response.status, response.body) == (
        500,
        b"Function 'F' is out of service: No module named 'x'",
    )


async def test_a_lost_worker_is_an_empty_500_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    fixture.worker.response = WorkerLostError("killed by signal 9")
    response = await fixture.request("GET", "/api/f")
    assert (response.status, response.body) == (500, b"")
    assert "killed by signal 9" in caplog.text


@pytest.mark.parametrize("value", [None, "text"])
async def test_an_invocation_without_http_response_is_500(value: str | None) -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    fixture.worker.response = InvocationResult(1, value)
    assert (await fixture.request("GET", "/api/f")).status == 500


async def test_an_app_that_did_not_load_responds_with_the_reason_on_every_route() -> None:
    fixture = HttpFunctionsFixture(route("F", "f"))
    fixture.app.replace(loaded(problem="function_app.py:3: no module named 'x'"))
    for target in ("/api/f", "/api/other"):
        response = await fixture.request("GET", target)
        assert response.status == 404
        assert response.body == b"The app is not loaded: function_app.py:3: no module named 'x'"


@pytest.mark.parametrize(
    ("route", "path", "matches"),
    [
        ("api/bad", "/api/bad", True),
        ("api/bad/{id}", "/api/bad/7", True),
        ("api/x{", "/api/xy", True),
        ("api/bad", "/api/b", False),
    ],
)
async def test_a_function_in_error_does_not_exist_and_responds_with_the_reason(
    route: str, path: str, matches: bool
) -> None:
    functions = HttpFunctions(
        CurrentApp(loaded(broken={"Bad": "no such file"}, refused={"Bad": route})),
        FakeWorker(),
        lambda base, grpc: "",
    )
    response = await functions.handle(request("GET", path))
    assert response.status == 404
    assert (b"'Bad' is out of service: no such file" in response.body) == matches


async def test_a_function_in_error_does_not_exist() -> None:
    served = loaded(broken={"Bad": "no such file"}, refused={"Bad": "api/bad"})
    app = replace(served.app, refused=served.refused)
    functions = HttpFunctions(
        CurrentApp(replace(served, app=app)), FakeWorker(), lambda base, grpc: ""
    )
    response = await functions.handle(request("GET", "/api/bad"))
    assert response.status == 404
    assert b"'Bad' is out of service: no such file" in response.body


async def test_requests_over_the_limit_of_host_json_are_429() -> None:
    fixture = HttpFunctionsFixture(route("F", "f"), throttle=Throttle(outstanding=0))
    response = await fixture.request("GET", "/api/f")
    assert (response.status, response.body, response.headers) == (429, b"", [SCALE_OUT])
    assert fixture.worker.calls == []
    assert (await fixture.request("GET", "/api/none")).status == 404


async def test_a_disabled_function_runs_only_with_the_master_key(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path)
    master = keys.begin().master
    served = loaded(route("A", "items/{id}"), route("B", "items/new"))
    app = CurrentApp(replace(served, app=replace(served.app, disabled=frozenset({"A"}))))
    worker = FakeWorker()
    open_host = HttpFunctions(app, worker, lambda base, grpc: "")
    with_keys = HttpFunctions(
        app, worker, lambda base, grpc: "", authorization=Authorization(Access(keys))
    )
    response = await open_host.handle(request("GET", "/api/items/new"))
    assert (response.status, worker.calls) == (404, []), "its route hides that of B"
    headers = {"x-functions-key": master}
    response = await with_keys.handle(request("GET", "/api/items/new", headers=headers))
    assert (response.status, worker.calls[0][0]) == (200, "A")


async def test_a_request_to_an_invalid_route_is_503() -> None:
    parts = {"broken": {"Bad": "no"}, "route_errors": {"Bad": "x"}}
    app = CurrentApp(loaded(refused={"Bad": "api//bad"}, **parts))
    functions = HttpFunctions(app, FakeWorker(), lambda base, grpc: "")
    assert (await functions.handle(request("GET", "/api/bad"))).status == 503


async def test_a_failing_function_is_retried_while_its_caller_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    instant = FunctionRetry(2, timedelta(), timedelta())
    retried = route("F", "f")
    retried = replace(retried, function=replace(retried.function, retry=instant))
    fixture = HttpFunctionsFixture(retried)
    fixture.worker.response = InvocationResult(1, error=ErrorData("ValueError", "boom"))
    assert (await fixture.request("GET", "/api/f")).status == 500
    assert [name for name, _, _ in fixture.worker.calls] == ["F"] * 3
    assert caplog.text.count("'F' failed: ValueError: boom") == 3
