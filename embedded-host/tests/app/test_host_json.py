"""Tests of the settings of host.json, their overrides, errors and warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.app.errors import AppError, HostJsonError
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.app.host_json import default_hub_name, read_host_json
from embedded_host.app.host_json_ignored import ignored_settings


def read(tmp_path: Path, content: Any, environ: Mapping[str, str] | None = None) -> HostJson:
    text = content if isinstance(content, str) else json.dumps({"version": "2.0", **content})
    (tmp_path / "host.json").write_text(text, encoding="utf-8")
    return read_host_json(tmp_path, environ or {})[0]


def durable(**settings: Any) -> dict[str, Any]:
    return {"extensions": {"durableTask": settings}}


def test_a_file_with_only_the_version_has_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, {}) == HostJson(document={"version": "2.0"})


def test_every_setting_is_read(tmp_path: Path) -> None:
    host = read(
        tmp_path,
        {
            "functionTimeout": "1.02:03:04.5",
            "logging": {"logLevel": {"default": "Information", "Function": "debug"}},
            "extensions": {
                "http": {
                    "routePrefix": "v1/x",
                    "maxOutstandingRequests": 20,
                    "maxConcurrentRequests": "10",
                },
                "durableTask": {
                    "hubName": "MyHub",
                    "maxConcurrentActivityFunctions": 3,
                    "maxConcurrentOrchestratorFunctions": "4",
                    "maxEntityOperationBatchSize": 5,
                    "overridableExistingInstanceStates": "anystate",
                    "storeInputsInOrchestrationHistory": True,
                    "defaultVersion": "1.0",
                    "versionMatchStrategy": "strict",
                    "entityMessageReorderWindowInMinutes": "0",
                    "maxGrpcMessageSizeInBytes": 8_000_000,
                    "httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 100},
                    "storageProvider": {"type": "AzureStorage"},
                },
            },
        },
    )
    assert host.function_timeout == 86400 + 2 * 3600 + 3 * 60 + 4.5
    assert host.log_levels == {"default": "Information", "Function": "debug"}
    assert (host.route_prefix, host.hub_name) == ("v1/x", "MyHub")
    assert (host.max_outstanding_requests, host.max_concurrent_requests) == (20, 10)
    assert (
        host.max_concurrent_activities,
        host.max_concurrent_orchestrators,
        host.max_entity_batch,
    ) == (3, 4, 5)
    assert (host.overridable_existing_states, host.store_inputs_in_history) == ("AnyState", True)
    assert (host.http_sleep_ms, host.default_version) == (100, "1.0")
    assert (host.version_match_strategy, host.uses_azure_storage) == ("Strict", True)
    assert (host.entity_reorder_window, host.max_grpc_message_bytes) == (0, 8_000_000)
    without_effect = [problem.fault.split(" ")[0].split(".")[-1] for problem in host.ignored]
    assert without_effect == [
        "versionMatchStrategy",
        "maxGrpcMessageSizeInBytes",
    ]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("00:05:00", 300), ("00:10", 600), ("-1", None), (-1, None), (None, 1800)],
)
def test_function_timeout_is_a_time_span_or_minus_one(
    tmp_path: Path, timeout: Any, seconds: float | None
) -> None:
    assert read(tmp_path, {"functionTimeout": timeout}).function_timeout == seconds


def test_keys_are_not_case_sensitive(tmp_path: Path) -> None:
    host = read(
        tmp_path, {"Extensions": {"DURABLETASK": {"HubName": "MyHub"}, "HTTP": {"RoutePrefix": ""}}}
    )
    assert (host.hub_name, host.route_prefix) == ("MyHub", "")


def test_an_error_in_an_override_names_the_setting(tmp_path: Path) -> None:
    name = "AzureFunctionsJobHost__extensions__durableTask__hubName"
    with pytest.raises(
        AppError, match=f"^{name}: extensions.durableTask.hubName must be .* but is 'my-hub'"
    ):
        read(tmp_path, durable(hubName="Fine"), {name: "my-hub"})


def test_task_hub_names_of_another_storage_follow_other_rules(tmp_path: Path) -> None:
    scheduler = {"storageProvider": {"type": "azureManaged"}}
    assert read(tmp_path, durable(hubName="my-task_hub1", **scheduler)).hub_name == "my-task_hub1"
    with pytest.raises(
        AppError, match="must be 1 to 64 letters, digits, '-' and '_', but is 'my hub'"
    ):
        read(tmp_path, durable(hubName="my hub", **scheduler))


def test_percent_names_in_the_task_hub_name_are_resolved(tmp_path: Path) -> None:
    assert read(tmp_path, durable(hubName="%HUB%1"), {"HUB": "My"}).hub_name == "My1"
    with pytest.raises(AppError, match="the setting '%HUB%' does not exist"):
        read(tmp_path, durable(hubName="%HUB%"))


@pytest.mark.parametrize(
    ("site", "hub"),
    [
        (None, "TestHubName"),
        ("", "TestHubName"),
        ("my-app", "myapp"),
        ("1app", "t1app"),
        ("a-", "aHub"),
        ("---", "DefaultTaskHub"),
        ("x" * 60, "x" * 45),
    ],
)
def test_the_default_task_hub_name_derives_from_the_site_name(
    tmp_path: Path, site: str | None, hub: str
) -> None:
    assert default_hub_name(site) == hub
    assert read(tmp_path, {}, {} if site is None else {"WEBSITE_SITE_NAME": site}).hub_name == hub


WRONG: list[tuple[Any, str]] = [
    ("", "host.json:1:1: The file is not valid JSON: it is empty"),
    ('{"version": "2.0",\n "a" 1}', "host.json:2:6: The file is not valid JSON: ':' is missing"),
    ("[]", "host.json:1:1: The file must be an object, but is a list"),
    ('{"extensions": {}}', "has no 'version'"),
    ('{"version": ""}', "has no 'version'"),
    ('{"Version": "2.0"}', "host.json:1:2: The file has 'Version' instead of 'version'"),
    ('{"version": 2.0}', 'host.json:1:13: version must be the string "2.0", but is 2.0'),
    ('{"version": "3.0"}', "not of Azure Functions"),
    (
        durable(hubName="my-hub"),
        "hubName must be 3 to 50 letters and digits and start with a letter, but is 'my-hub'",
    ),
    (durable(hubName="ab"), "but is 'ab'"),
    (durable(hubName="1hub"), "but is '1hub'"),
    (durable(hubName="x" * 51), "hubName must be"),
    (durable(hubName=1), "but is 1"),
    (
        durable(maxConcurrentActivityFunctions=0),
        "maxConcurrentActivityFunctions must be an integer above 0, but is 0",
    ),
    (durable(maxConcurrentActivityFunctions=True), "but is true"),
    (durable(maxConcurrentActivityFunctions="ten"), "but is 'ten'"),
    (durable(maxConcurrentOrchestratorFunctions=1.5), "but is 1.5"),
    (durable(storeInputsInOrchestrationHistory="yes"), "must be true or false, but is 'yes'"),
    (durable(overridableExistingInstanceStates="All"), "must be NonRunningStates or AnyState"),
    (durable(versionMatchStrategy="Newer"), "must be CurrentOrOlder or Strict or None"),
    (durable(entityMessageReorderWindowInMinutes=-1), "must be an integer, 0 or above"),
    ({"functionTimeout": True}, "functionTimeout must be a time span like"),
    ({"functionTimeout": {}}, "functionTimeout must be a time span like"),
    ({"functionTimeout": "00:00:00"}, "must be at least one second"),
    (
        {"extensions": {"http": {"maxConcurrentRequests": 0}}},
        "must be an integer above 0, or -1 for no limit",
    ),
    ({"functionTimeout": "00:61:00"}, "must be a time span"),
    ({"extensions": {"http": {"routePrefix": "a{b"}}}, "must be a valid part of a route"),
    ({"logging": {"logLevel": {"default": "Infromation"}}}, "Did you mean 'Information'?"),
]


@pytest.mark.parametrize(("content", "text"), WRONG)
def test_an_invalid_setting_is_fatal(tmp_path: Path, content: Any, text: str) -> None:
    with pytest.raises(AppError) as raised:
        read(tmp_path, content)
    assert text in str(raised.value)
    assert all(problem.fatal for problem in raised.value.problems)


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    text = (
        '{\n  "version": "2.0",\n  "functionTimeout": "x",\n  '
        '"extensions": {"http": {"routePrefix": "{"}}\n}'
    )
    with pytest.raises(AppError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith("2 problems:\n")
    assert {problem.location for problem in raised.value.problems} == {
        "host.json:3:22",
        "host.json:4:42",
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (durable(httpSettings=[]), "extensions.durableTask.httpSettings has no effect, because it"),
        ({"extensions": []}, "extensions has no effect, because it is a list."),
        ({"extensions": {"http": 1}}, "extensions.http has no effect, because it is 1."),
        ({"retry": "x"}, "retry has no effect, because it is 'x'."),
        (
            {"extensions": {"http": {"routePrefix": {}}}},
            "extensions.http.routePrefix has no effect, because it is an object.",
        ),
    ],
)
def test_a_section_of_the_wrong_type_is_ignored(
    tmp_path: Path, content: dict[str, Any], fault: str
) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    host, warnings = read_host_json(tmp_path, {})
    assert (host.route_prefix, host.http_sleep_ms, host.retry) == ("api", 30000, None)
    assert [warning.fault.startswith(fault) for warning in warnings] == [True]
    assert not host.ignored, "it is reported once"


def test_numbers_are_read_as_texts(tmp_path: Path) -> None:
    content = {
        "extensions": {"http": {"routePrefix": 1}, **durable(defaultVersion=2.0)["extensions"]}
    }
    host = read(tmp_path, content)
    assert (host.route_prefix, host.default_version) == ("1", "2")


def test_a_number_as_function_timeout_counts_days(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "functionTimeout": 300}')
    host, warnings = read_host_json(tmp_path, {})
    assert host.function_timeout == 300 * 86400
    assert ["functionTimeout is 300 days" in str(warning) for warning in warnings] == [True]


def test_the_retry_policy_is_read(tmp_path: Path) -> None:
    policy = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:01"}
    host = read(tmp_path, {"retry": policy})
    assert host.retry == FunctionRetry.parse(policy)
    assert not host.ignored


def test_settings_that_the_host_does_not_use_are_checked(tmp_path: Path) -> None:
    with pytest.raises(
        HostJsonError, match=r"extensions\.durableTask\.useAppLease must be true or"
    ):
        read(tmp_path, durable(useAppLease="perhaps"))


def test_accepted_faults_are_warnings(tmp_path: Path) -> None:
    content = {
        "extensions": {
            "durableTask": {"storageProvider": {"type": "mssql"}},
        }
    }
    (tmp_path / "host.json").write_text(
        "// hello\n" + json.dumps({"version": "2.0", **content}), encoding="utf-8"
    )
    host, problems = read_host_json(tmp_path, {})
    assert [note.line for note in host.notes] == [1]
    assert [problem.location.split(":")[:2] for problem in problems] == [
        ["host.json", line] for line in "12"
    ]
    assert "comment" in problems[0].fault
    assert "'mssql'" in problems[1].fault
    assert not any(problem.fatal or problem.function for problem in problems)


def test_an_empty_object_has_version_2(tmp_path: Path) -> None:
    assert read(tmp_path, "{}") == HostJson()


def test_the_functions_of_the_file_are_not_case_sensitive(tmp_path: Path) -> None:
    host = read(tmp_path, {"functions": ["One", "two"]})
    assert [host.runs(name) for name in ("ONE", "Two", "three")] == [True, True, False]
    assert read(tmp_path, {"functions": []}).runs("Any")
    assert read(tmp_path, {"functions": "One"}).runs("Any"), "only a list has an effect"


def test_custom_headers_are_texts(tmp_path: Path) -> None:
    headers = {"X-One": "a", "X-Two": 2, "X-Three": True, "X-Four": None, "X-Five": {"a": 1}}
    host = read(tmp_path, {"extensions": {"http": {"customHeaders": headers}}})
    assert host.custom_headers == {"X-One": "a", "X-Two": "2", "X-Three": "True", "X-Four": ""}


@pytest.mark.parametrize(
    ("name", "value"), [("X One", "a"), ("", "a"), ("X-One", "\xe9"), ("X-One", "a\r\nb")]
)
def test_a_custom_header_that_cannot_be_sent_is_omitted(
    tmp_path: Path, name: str, value: str
) -> None:
    content = {"extensions": {"http": {"customHeaders": {name: value, "X-Two": "b"}}}}
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    host, warnings = read_host_json(tmp_path, {})
    assert host.custom_headers == {"X-Two": "b"}
    assert [w.fault for w in warnings] == [f"The custom header {name!r}: {value!r} cannot be sent."]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "Unable to parse host configuration file"),
        ("[]", "Unable to parse host configuration file"),
        ('{"a": 1}', "missing the required 'version' property"),
        ('{"version": "1.0"}', "'1.0' is an invalid value for host.json 'version' property"),
        ('{"version": 2.0}', "'2' is an invalid value"),
        ('{"version": "3"}', "does not correspond to the function runtime version"),
        (
            {"functionTimeout": "x"},
            "value at 'AzureFunctionsJobHost:functionTimeout' to type 'System.TimeSpan'",
        ),
        ({"functionTimeout": "00:00:00.5"}, "FunctionTimeout must be greater than 00:00:01"),
        (
            {"extensions": {"HTTP": {"maxConcurrentRequests": "x"}}},
            "'AzureFunctionsJobHost:extensions:HTTP:maxConcurrentRequests' to type 'System.Int32'",
        ),
        ({"extensions": {"http": {"routePrefix": "a{"}}}, "template 'a{/NAME'"),
    ],
)
def test_a_host_in_error_has_the_message_of_the_azure_functions_host(
    tmp_path: Path, content: Any, text: str
) -> None:
    with pytest.raises(HostJsonError) as raised:
        read(tmp_path, content)
    assert text in raised.value.host_errors[0]
    assert str(raised.value) in raised.value.host_errors[0], "the explanation of this host"


@pytest.mark.parametrize("prefix", ["x/", "/x/", "/", "//x"])
def test_a_prefix_with_a_slash_at_its_end_is_fatal(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(HostJsonError, match=r"two '/' in a row.*EH122"):
        read(tmp_path, {"extensions": {"http": {"routePrefix": prefix}}})


def test_a_prefix_may_start_with_a_slash(tmp_path: Path) -> None:
    host = read(tmp_path, {"extensions": {"http": {"routePrefix": "/v1/x"}}})
    assert host.route_prefix == "/v1/x"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"version": "2.0", "extensionBundle": {"id": "x"}, "$schema": "x"}, []),
        (
            durable(storageProvider={"partitionCount": 4}),
            ["storageProvider.partitionCount has no effect: the embedded host stores its state"],
        ),
        (
            durable(tracing={"version": "V2"}, hubName="x"),
            ["extensions.durableTask.tracing has no effect"],
        ),
        (
            durable(hubNmae="x"),
            ["hubNmae has no effect: the setting does not exist. Did you mean 'hubName'?"],
        ),
        (
            durable(somethingNew=1),
            ["somethingNew has no effect: the setting is unknown to the embedded host"],
        ),
        (
            {"extensions": {"queues": {"batchSize": 1}}},
            ["extensions.queues has no effect: the embedded host does not run this kind"],
        ),
        (
            {"extensions": {"http": {"hsts": {}}}},
            ["extensions.http.hsts has no effect: the Azure Functions host ignores it"],
        ),
        (
            {"logging": {"logLevel": {"x": "None"}, "applicationInsights": {}}},
            ["logging.applicationInsights has no effect"],
        ),
        ({"functionTimout": "00:01:00"}, ["Did you mean 'functionTimeout'?"]),
        ({"nonsense": 1}, ["nonsense has no effect: the setting is unknown"]),
    ],
)
def test_settings_without_effect_are_listed_with_a_reason(
    document: dict[str, Any], expected: list[str]
) -> None:
    problems = ignored_settings(document)
    assert len(problems) == len(expected)
    for problem, text in zip(problems, expected, strict=True):
        assert text in str(problem)


def test_settings_without_effect_have_their_location(tmp_path: Path) -> None:
    host = read(tmp_path, '{\n "version": "2.0",\n "healthMonitor": {}}')
    assert [problem.location for problem in host.ignored] == ["host.json:3:19"]


@pytest.mark.parametrize(
    ("logging", "levels"),
    [
        ({"logLevel": "Debug"}, {}),
        ({"logLevel": {"Function": {"One": "Debug"}, "a": None, "b": ""}}, {}),
        ({"logLevel": {"Function": 4}}, {"Function": "4"}),
    ],
)
def test_values_that_are_no_levels_are_ignored(
    tmp_path: Path, logging: dict[str, Any], levels: dict[str, str]
) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "logging": logging}))
    host, warnings = read_host_json(tmp_path, {})
    assert host.log_levels == levels
    assert ("logLevel has no effect" in str(warnings)) is (logging["logLevel"] == "Debug")


def test_the_settings_of_the_console_are_read(tmp_path: Path) -> None:
    console = {"isEnabled": "false", "logLevel": {"default": "Error"}}
    document = {"version": "2.0", "logging": {"console": console}}
    (tmp_path / "host.json").write_text(json.dumps(document))
    host, warnings = read_host_json(tmp_path, {})
    assert not host.is_console_enabled
    assert host.console_log_levels == {"default": "Error"}
    assert not warnings
    assert not host.ignored
    override = {"AzureFunctionsJobHost__logging__logLevel__default": "Trace"}
    assert read_host_json(tmp_path, override)[0].log_levels == {"default": "Trace"}
