"""The routes, timers and unusable functions of a loaded app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.app.folder import read_app
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.workers.loaded_app import LoadedApp, load_request, loaded_app
from embedded_worker.protocol import BindingSpec, FunctionSpec, LoadProblem, LoadResult
from tests.support.app_folder import HTTP_OUT, AppFolder, activity_trigger, http_trigger

ENVIRON: dict[str, str] = {}


@pytest.fixture
def folder(tmp_path: Path) -> AppFolder:
    folder = AppFolder(tmp_path)
    folder.http("zebra", "", "z")
    folder.http("Apple", "", "a/{id:int}")
    folder.activity("Echo", "return value")
    folder.orchestrator("Hello", "yield")
    return folder


def load(
    folder: AppFolder,
    *problems: LoadProblem,
    functions: tuple[FunctionSpec, ...] = (),
    environ: Mapping[str, str] | None = None,
    strict: bool = False,
) -> LoadedApp:
    environ = dict(environ or {})
    return loaded_app(
        read_app(folder.root, environ),
        LoadResult(list(problems), list(functions)),
        environ,
        strict=strict,
    )


def spec(root: Path, name: str, *bindings: dict[str, Any]) -> FunctionSpec:
    """Return a v2 function as a worker reports it."""
    return FunctionSpec(
        name,
        str(root),
        str(root / "function_app.py"),
        name,
        [binding(properties) for properties in bindings],
    )


def binding(properties: dict[str, Any]) -> BindingSpec:
    return BindingSpec(properties["type"], properties["name"], properties["direction"], properties)


def timer(schedule: str) -> dict[str, Any]:
    return {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": schedule}


def test_a_loaded_app_has_its_routes_and_functions(folder: AppFolder) -> None:
    app = load(folder)
    assert [function.name for function in app.enabled] == ["Apple", "Echo", "Hello", "zebra"]
    assert {name: route.text for name, route in app.routes.items()} == {
        "zebra": "api/z",
        "Apple": "api/a/{id:int}",
    }
    assert (app.broken, app.refused, app.problem) == ({}, {}, None)
    assert [
        function.name for function in app.of_type("orchestrationtrigger", "activitytrigger")
    ] == ["Echo", "Hello"]


def test_functions_that_a_worker_could_not_load_are_out_of_service(folder: AppFolder) -> None:
    app = load(folder, LoadProblem("Echo", "line 1 is wrong"))
    assert app.broken == {"Echo": "line 1 is wrong"}
    assert app.problem is None
    assert "Echo" in [function.name for function in app.enabled], "its callers get the reason"


def test_a_failed_import_of_function_app_is_a_problem_of_the_whole_app(folder: AppFolder) -> None:
    app = load(folder, LoadProblem(None, "function_app.py cannot be imported"))
    assert app.problem == "function_app.py cannot be imported"


def test_functions_with_a_refused_function_json_are_out_of_service(folder: AppFolder) -> None:
    folder.http("Bad", "", "bad/{id:nosuch}")
    app = load(folder)
    assert "nosuch" in app.broken["Bad"]
    assert app.refused == {"Bad": "api/bad/{id:nosuch}"}
    assert "Bad" not in app.routes
    assert "zebra" in app.routes


def test_disabled_functions_have_a_route_and_no_timer(folder: AppFolder) -> None:
    folder.function("Tick", "def main(timer): ...", timer("0 0 0 1 1 *"))
    app = load(
        folder, environ={"AzureWebJobs.zebra.Disabled": "true", "AzureWebJobs_Tick_Disabled": "1"}
    )
    assert [function.name for function in app.enabled] == ["Apple", "Echo", "Hello"]
    assert "zebra" in app.routes, "its route hides the routes of later functions"
    assert app.timers == {}
    assert app.broken == {}


def test_host_json_excludes_functions(folder: AppFolder) -> None:
    folder.http("Bad", "", "bad/{id:nosuch}")
    folder.write("host.json", '{"version": "2.0", "functions": ["apple", "echo"]}')
    app = load(folder)
    assert [function.name for function in app.enabled] == ["Apple", "Echo"]
    assert list(app.routes) == ["Apple"]
    assert (app.route_errors, app.refused) == ({}, {})
    assert "zebra" in [function.name for function in app.app.functions]


def test_of_two_functions_with_one_route_the_second_has_no_route(folder: AppFolder) -> None:
    folder.http("Zoo", "", "Z/")
    app = load(folder)
    assert "Zoo" not in app.routes
    conflict = "is in error: The route specified conflicts with the route defined by function"
    assert f"The 'Zoo' function {conflict} 'zebra'." in app.broken["Zoo"]
    folder.write("function_app.py", "")
    functions = [spec(folder.root, name, http_trigger("x")) for name in ("two", "One")]
    app = load(folder, functions=tuple(functions))
    assert list(app.routes) == ["One"]
    assert f"The 'two' function {conflict} 'One'." in app.broken["two"]
    assert [problem.function for problem in app.route_problems] == ["two"]


def test_invalid_routes_are_errors_of_the_azure_functions_host(folder: AppFolder) -> None:
    folder.http("Bad", "", "/bad")
    app = load(folder)
    assert "route with name 'Bad' and template 'api//bad'" in app.route_errors["Bad"]
    assert ("EH840", "Bad") in [(finding.code, finding.function) for finding in app.findings]


def test_timer_functions_with_a_valid_schedule_are_in_service(folder: AppFolder) -> None:
    folder.function("Tick", "def main(timer): ...", timer("%TICK%"))
    folder.function("Wrong", "def main(timer): ...", timer("hourly"))
    app = load(folder, environ={"TICK": "0 0 0 1 1 *"})
    assert list(app.timers) == ["Tick"]
    assert app.broken["Wrong"].startswith(
        "Wrong/function.json:8:19: The 'Wrong' function is in error: 'hourly' is not a schedule"
    )


def test_a_timer_function_that_does_not_load_is_run_by_its_schedule(folder: AppFolder) -> None:
    """Each run fails with the error of the load, as on the Azure Functions host."""
    folder.function("Broken", "def main(timer): ...", timer("* * * * * *"))
    problem = LoadProblem("Broken", "cannot be imported")
    app = load(folder, problem)
    assert list(app.timers) == ["Broken"]
    assert app.broken == {"Broken": "cannot be imported"}
    assert load(folder, problem, environ={"AzureWebJobs.Broken.Disabled": "1"}).timers == {}


def test_a_timer_function_without_a_schedule_does_not_exist(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    functions = (spec(folder.root, "Tick", timer("hourly")),)
    app = load(folder, LoadProblem("Tick", "is not served"), functions=functions)
    assert (app.timers, app.unloaded) == ({}, frozenset())
    assert "the timer of 'Tick' cannot run" in app.broken["Tick"]


@pytest.mark.parametrize(
    ("kind", "service"),
    [
        ("queueTrigger", "storage queues"),
        ("blobTrigger", "blob storage"),
        ("serviceBusTrigger", "Service Bus"),
        ("eventHubTrigger", "Event Hubs"),
        ("eventGridTrigger", "Event Grid"),
        ("cosmosDBTrigger", "Cosmos DB"),
        ("kafkaTrigger", "such events"),
    ],
)
def test_functions_with_unsupported_triggers_are_out_of_service(
    folder: AppFolder, kind: str, service: str
) -> None:
    function = spec(folder.root, "Other", {"name": "message", "type": kind, "direction": "in"})
    folder.write("function_app.py", "")
    app = load(folder, functions=(function,))
    article = "an" if kind[0] == "e" else "a"
    assert app.broken["Other"].startswith(
        f"{article} {kind} is not served by the embedded host, which has no {service}. "
        "Start its work from an HTTP or timer trigger"
    )


QUEUE_OUT = {"name": "out", "type": "queue", "direction": "out"}


@pytest.mark.parametrize("strict", [False, True])
def test_a_function_without_its_extension_runs_with_a_finding(
    folder: AppFolder, strict: bool
) -> None:
    folder.write("host.json", '{"version": "2.0"}')
    folder.function("Save", "", http_trigger("save"), HTTP_OUT, QUEUE_OUT)
    loaded = load(folder, strict=strict)
    assert (loaded.broken, "Save" in loaded.routes) == ({}, True)
    assert [f.function for f in loaded.findings if f.code == "EH842"] == ["host.json"]


# -- v2 --------------------------------------------------------------------------------------------


def test_a_v2_app_has_the_functions_that_the_worker_found(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    root = folder.root
    functions = (
        spec(root, "Tick", timer("hourly")),
        spec(root, "Greet", http_trigger("greet", "GET")),
        spec(root, "Off", http_trigger("off")),
        spec(root, "Bad", http_trigger("bad/{id:nosuch}")),
        spec(root, "code", {**activity_trigger(), "activity": "Named"}),
    )
    app = load(folder, functions=functions, environ={"AzureWebJobs.Off.Disabled": "true"})
    assert [function.name for function in app.enabled] == ["Bad", "code", "Greet", "Tick"]
    assert {name: route.text for name, route in app.routes.items()} == {
        "Greet": "api/greet",
        "Off": "api/off",
    }
    assert app.broken["Bad"].startswith("the route 'api/bad/{id:nosuch}' of 'Bad' cannot be used")
    assert app.broken["Tick"].startswith(
        "function_app.py: the timer of 'Tick' cannot run: 'hourly' is not a schedule"
    )
    assert app.refused == {"Bad": "api/bad/{id:nosuch}"}
    (activity,) = app.of_type("activitytrigger")
    assert (activity.durable_name, activity.script_file) == ("Named", root / "function_app.py")


def test_the_load_request_has_all_functions_of_the_app(folder: AppFolder) -> None:
    app = read_app(folder.root, ENVIRON)
    request = load_request(app, ENVIRON, "http://rpc/")
    assert (request.root, request.v2_script, request.rpc_base) == (
        str(folder.root),
        None,
        "http://rpc/",
    )
    assert [s.name for s in request.functions] == ["Apple", "Echo", "Hello", "zebra"]
    echo = request.functions[1]
    assert (echo.script_file, echo.entry_point) == (
        str(folder.root / "Echo" / "__init__.py"),
        "main",
    )
    assert echo.bindings == [BindingSpec("activityTrigger", "value", "in")]


@pytest.mark.parametrize("environ", [{}, {"PYTHON_SCRIPT_FILE_NAME": "main_app.py"}])
def test_the_load_request_for_both_models_has_the_script_and_the_folders(
    folder: AppFolder, environ: dict[str, str]
) -> None:
    script = environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    folder.write(script, "")
    request = load_request(read_app(folder.root, environ), environ, "")
    assert request.v2_script == script
    assert [s.name for s in request.functions] == ["Apple", "Echo", "Hello", "zebra"]


def test_folders_are_served_if_the_app_object_has_no_functions(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    folder.activity("Broken", "return value")
    (folder.root / "Broken" / "function.json").write_text("{")
    app = load(folder)
    assert not app.app.uses_v2_model
    assert [f.name for f in app.app.functions] == ["Apple", "Echo", "Hello", "zebra"]
    assert list(app.broken) == ["Broken"]


def test_a_v2_function_hides_the_folders_and_their_problems(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    (folder.root / "Echo" / "function.json").write_text("{")
    app = load(folder, functions=(spec(folder.root, "tick", timer("0 * * * * *")),))
    assert [f.name for f in app.app.functions] == ["tick"]
    assert not app.broken


def test_a_problem_of_the_v2_app_hides_the_folders(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    app = load(folder, LoadProblem(None, "function_app.py has no app object"))
    assert app.app.uses_v2_model
    assert not app.app.functions


def app_with(host: HostJson) -> App:
    return App(Path(), host, LocalSettings(), ())


def test_the_workers_get_the_log_levels_of_host_json() -> None:
    host = HostJson(log_levels={"default": "Error"}, console_log_levels={"x": "None"})
    logs = load_request(app_with(host), ENVIRON, "", console="func", keeps_logs=True).logs
    assert logs == ({"default": "Error"}, {"x": "None"}, "func", True)


def test_a_disabled_console_hides_all_records() -> None:
    host = HostJson(log_levels={"default": "Trace"}, is_console_enabled=False)
    logs = load_request(app_with(host), ENVIRON, "").logs
    assert logs == ({"default": "None"}, {}, "default", False)
    assert not LoadedApp(app_with(host)).shows_failure("F")


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        ({}, True),
        ({"Function": "None"}, True),  # Host.Results repeats the error
        ({"Function": "None", "Host.Results": "Critical"}, False),
        ({"default": "None"}, False),
        ({"default": "None", "Function.F": "Error"}, True),
    ],
)
def test_the_log_levels_hide_the_errors_of_functions(levels: dict[str, str], shown: bool) -> None:
    assert LoadedApp(app_with(HostJson(log_levels=levels))).shows_failure("F") is shown


def test_percent_settings_of_v2_bindings_are_resolved(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    named = {**activity_trigger(), "activity": "%NAME%"}
    unresolved = {**activity_trigger(), "activity": "x-%UNKNOWN%"}
    hub = {
        "name": "event",
        "type": "eventHubTrigger",
        "direction": "in",
        "eventHubName": "%UNKNOWN%",
    }
    functions = (
        spec(folder.root, "Echo", named),
        spec(folder.root, "Other", unresolved),
        spec(folder.root, "Unserved", hub),
    )
    app = load(folder, functions=functions, environ={"NAME": "Renamed"})
    assert app.app.functions[0].trigger.properties["activity"] == "Renamed"
    assert app.app.functions[0].config["bindings"] == [named], "the configuration is unresolved"
    assert list(app.broken) == ["Other", "Unserved"]
    assert "is not served by the embedded host" in app.broken["Unserved"]
    assert (
        "function_app.py: 'activity' of 'Other' cannot be resolved: the setting '%UNKNOWN%' does"
        in app.broken["Other"]
    )


def test_a_v2_function_has_the_position_that_the_worker_reports(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    reported = spec(folder.root, "Tick", timer("0 * * * * *"))._replace(code_file="a.py", line=7)
    app = load(folder, functions=(reported,))
    assert [(f.code_file, f.line) for f in app.enabled] == [("a.py", 7)]


def test_a_warmup_function_is_served(folder: AppFolder) -> None:
    warmup = {"name": "warmup", "type": "warmupTrigger", "direction": "in"}
    folder.write("function_app.py", "")
    app = load(folder, functions=(spec(folder.root, "Warm", warmup),))
    assert (app.broken, [f.name for f in app.of_type("warmuptrigger")]) == ({}, ["Warm"])


def test_a_v2_function_has_its_retry_policy(folder: AppFolder) -> None:
    policy = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}
    function = spec(folder.root, "Web", http_trigger("web"))._replace(retry=policy)
    folder.write("function_app.py", "")
    (web,) = load(folder, functions=(function,)).enabled
    assert web.retry == FunctionRetry.parse(policy)


def test_the_policy_of_host_json_holds_for_functions_without_their_own(folder: AppFolder) -> None:
    policy = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}
    folder.write("host.json", json.dumps({"version": "2.0", "retry": policy}))
    shared = FunctionRetry.parse(policy)
    assert {function.retry for function in load(folder).enabled} == {shared}
    own = policy | {"maxRetryCount": 7}
    functions = (
        spec(folder.root, "Own", http_trigger("own"))._replace(retry=own),
        spec(folder.root, "Web", http_trigger("web")),
    )
    folder.write("function_app.py", "")
    app = load(folder, functions=functions)
    assert [function.retry for function in app.enabled] == [FunctionRetry.parse(own), shared]
    assert app.routes["Web"].function.retry == shared
    built_in = replace(app.enabled[1], name="BuiltIn__HttpActivity", retry=None)
    assert app.app.host.with_retry(built_in).retry is None


def test_a_v2_function_with_an_invalid_policy_does_not_exist(folder: AppFolder) -> None:
    policy = {
        "strategy": "exponentialBackoff",
        "maxRetryCount": 2,
        "minimumInterval": "00:00:09",
        "maximumInterval": "00:00:01",
    }
    function = spec(folder.root, "Web", http_trigger("web"))._replace(retry=policy)
    folder.write("function_app.py", "")
    app = load(folder, functions=(function,))
    assert "the @app.retry of 'Web' is not valid" in app.broken["Web"]
    assert (app.routes, app.refused) == ({}, {"Web": "api/web"})
    assert app.unloaded == frozenset()


def test_a_function_that_does_not_load_keeps_its_route(folder: AppFolder) -> None:
    app = load(folder, LoadProblem("zebra", "line 1 is wrong"))
    assert app.unloaded == {"zebra"}
    assert "zebra" in app.routes


def test_a_v2_function_in_error_does_not_exist(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    trigger = BindingSpec("httpTrigger", "req", "in", {"route": "x"})
    specs = [
        FunctionSpec(name, "", "function_app.py", name, [trigger], "function_app.py", 3)
        for name in ("good", "_private")
    ]
    app = loaded_app(read_app(folder.root, {}), LoadResult([], specs), {})
    assert [function.name for function in app.app.functions] == ["good"]
    assert list(app.routes) == ["good"]
    assert app.broken["_private"].startswith(
        "function_app.py line 3: The '_private' function is in error: '_private' is not a valid"
    )


def test_a_strict_host_checks_the_binding_names_of_sdk_2(folder: AppFolder) -> None:
    folder.write("function_app.py", "")
    properties = {"durableRequiresGrpc": True}
    specs = [
        FunctionSpec(
            name,
            "",
            "function_app.py",
            name,
            [BindingSpec("orchestrationTrigger", binding, "in", properties)],
        )
        for name, binding in (
            ("good", "ctx"),
            ("bad", "_durable_input"),
            ("disabled", "_durable_input"),
            ("BuiltIn__HttpPollOrchestrator", "_durable_input"),
        )
    ]
    environ = {"AzureWebJobs.disabled.Disabled": "1"}
    read, result = read_app(folder.root, environ), LoadResult([], specs)
    helpful = loaded_app(read, result, environ)
    assert (len(helpful.app.functions), helpful.broken, helpful.nameless) == (4, {}, ())
    strict = loaded_app(read, result, environ, strict=True)
    assert [function.name for function in strict.app.functions] == ["good"]
    assert sorted(strict.broken) == ["bad", "disabled"]
    assert strict.broken["bad"] == (
        "The 'bad' function is in error: The binding name _durable_input is invalid. Please "
        "assign a valid name to the binding."
    )
    assert [f.name for f in strict.nameless] == ["bad", "BuiltIn__HttpPollOrchestrator"]


def test_a_problem_of_the_app_leaves_no_functions(folder: AppFolder) -> None:
    folder.function("Hello", "def main(timer): ...", timer("0 0 0 1 1 *"))
    problems = [LoadProblem(None, "first"), LoadProblem(None, "second")]
    app = loaded_app(read_app(folder.root, {}), LoadResult(problems), {})
    assert app.problem == "first\nsecond"
    assert (app.app.functions, app.timers, app.routes) == ((), {}, {})


def test_an_app_without_functions_has_a_problem(tmp_path: Path) -> None:
    folder = AppFolder(tmp_path / "empty")
    app = loaded_app(read_app(folder.root, {}), LoadResult([]), {})
    assert app.problem == "No job functions found."
