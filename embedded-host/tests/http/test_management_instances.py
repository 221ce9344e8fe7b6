"""Status and operations of single instances.

See functions-host.md#management-routes, #instance-status and #raise-an-event.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace

import pytest

from embedded_host.engine.history import task_scheduled
from embedded_host.store.interface import AppendHistory, SaveInstance
from tests.http.api import WEBHOOK, Api

TIME = "2026-01-02T03:04:05Z"
INTERNAL_ERROR = "Something went wrong while processing your request"


# -- status


async def test_the_status_of_a_completed_instance_has_the_recorded_json(api: Api) -> None:
    await api.start("Done", body='"7"')
    response = await api.get("instances/i-1")
    assert response.status == 200
    assert response.text == (
        '{"name":"Done","instanceId":"i-1","runtimeStatus":"Completed","input":"7","customStatus":{"step":1},"output":7,'
        f'"createdTime":"{TIME}","lastUpdatedTime":"{TIME}"}}'
    )
    assert response.headers == {"content-type": "application/json; charset=utf-8"}


async def test_the_status_of_a_live_instance_has_a_location_to_poll(api: Api) -> None:
    await api.start("Wait")
    response = await api.get("instances/i-1?taskHub=Hub&x=%20")
    assert response.status == 202
    assert response.headers["location"] == f"{WEBHOOK}/instances/i-1?taskHub=Hub&x=%20"
    assert response.headers["retry-after"] == "5"


async def test_requests_for_an_unknown_instance_are_404(api: Api) -> None:
    for method, tail in [
        *(
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/terminate"),
            ("POST", "/suspend"),
            ("POST", "/resume"),
        ),
        ("POST", "/raiseEvent/Go"),
    ]:
        response = await api.request(method, f"instances/none{tail}", b"1")
        assert (response.status, response.empty) == (404, True), tail


@pytest.mark.parametrize("value", ["false", "False", "FALSE", "%20false"])
async def test_show_input_false_leaves_the_input_out(api: Api, value: str) -> None:
    await api.start("Wait", body="1")
    assert (await api.get(f"instances/i-1?showInput={value}")).json["input"] is None


@pytest.mark.parametrize("value", ["true", "True", "", "0", "no", "false,false"])
async def test_any_other_show_input_value_includes_the_input(api: Api, value: str) -> None:
    await api.start("Wait", body="1")
    assert (await api.get(f"instances/i-1?SHOWINPUT={value}")).json["input"] == 1


async def test_show_history_includes_events_inputs_and_results_as_requested(api: Api) -> None:
    await api.start("Done", body='"7"')
    events = (await api.get("instances/i-1?showHistory=True")).json["historyEvents"]
    assert [e["EventType"] for e in events] == ["ExecutionStarted", "ExecutionCompleted"]
    assert events[0]["Input"] == '"7"'
    assert "Result" not in events[1]
    events = (
        await api.get("instances/i-1?showHistory=true&showHistoryOutput=true&showInput=false")
    ).json["historyEvents"]
    assert "Input" not in events[0]
    assert events[1]["Result"] == 7


async def test_a_failed_instance_is_500_only_on_request(api: Api) -> None:
    await api.start("Fail")
    assert (await api.get("instances/i-1")).status == 200
    response = await api.get("instances/i-1?returnInternalServerErrorOnFailure=true")
    assert (response.status, response.json["output"]) == (
        500,
        "Orchestrator function 'Fail' failed: boom 1",
    )


async def test_prefer_wait_delays_the_response_until_the_instance_ends(api: Api) -> None:
    await api.start("Wait")
    waiting = asyncio.ensure_future(api.get("instances/i-1", Prefer="respond-async, wait=20"))
    await asyncio.sleep(0)
    await api.post("instances/i-1/raiseEvent/Go", "5")
    response = await waiting
    assert (response.status, response.json["output"], response.headers["preference-applied"]) == (
        200,
        5,
        "wait=20",
    )
    await api.start("Wait", "i-2")
    assert (await api.get("instances/i-2", Prefer="wait=0")).status == 202
    response = await api.get("instances/none", Prefer="wait=9")
    assert (response.status, response.headers) == (404, {"preference-applied": "wait=9"})


async def test_a_diagnosis_is_returned_only_on_request(api: Api) -> None:
    await api.start("Wait")
    assert "diagnosis" not in (await api.get("instances/i-1")).json
    assert "Go" in (await api.get("instances/i-1?showDiagnosis=true")).json["diagnosis"]["text"]


# -- events


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ('{"n": 2,  "a": [ 1, null ]}', '{"n":2,"a":[1,null]}'),
        ('"gr\\u00fc\\u00dfe"', '"grüße"'),
        ('"\\ud800"', '"\\ud800"'),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("NaN", "NaN"),
        ('{"a":1,"a":2}', '{"a":2}'),
        ("\ufeff1", "1"),
        ("null", "null"),
    ],
)
async def test_an_event_is_stored_as_compact_json(api: Api, body: str, stored: str) -> None:
    await api.start("Wait")
    response = await api.post("instances/i-1/RAISEEVENT/Other", body)
    assert (response.status, response.empty) == (202, True)
    events = (await api.get("instances/i-1?showHistory=true")).json["historyEvents"]
    assert (events[-1]["Name"], events[-1]["Input"]) == ("Other", stored)


async def test_nan_reaches_the_orchestrator(api: Api) -> None:
    await api.start("Wait")
    await api.post("instances/i-1/raiseEvent/Go", "NaN")
    assert math.isnan((await api.status())["output"])


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
async def test_an_event_with_another_media_type_is_400(api: Api, kind: str) -> None:
    await api.start("Wait")
    response = await api.post("instances/i-1/raiseEvent/Go", "1", Content_Type=kind)
    assert (response.status, response.json) == (
        400,
        {"Message": "Only application/json request content is supported"},
    )


async def test_an_event_with_media_type_parameters_is_accepted(api: Api) -> None:
    await api.start("Wait")
    response = await api.post(
        "instances/i-1/raiseEvent/Go", "1", Content_Type="Application/JSON; charset=utf-8"
    )
    assert response.status == 202


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "nope",
            "Unexpected character encountered while parsing value: n. Path '', line 0, position 0.",
        ),
        ("", "Error reading JToken from JsonReader. Path '', line 0, position 0."),
        ("[" * 100_000 + "]" * 100_000, "The value is nested too deeply."),
    ],
)
async def test_an_event_with_invalid_json_is_400(api: Api, body: str, message: str) -> None:
    await api.start("Wait")
    response = await api.post("instances/i-1/raiseEvent/Go", body)
    assert (response.status, response.json["Message"], response.json["ExceptionMessage"]) == (
        400,
        "Invalid JSON content",
        message,
    )


async def test_an_event_for_a_finished_instance_is_410_before_its_body_is_checked(api: Api) -> None:
    await api.start("Done")
    response = await api.post("instances/i-1/raiseEvent/Go", "nope", Content_Type="text/plain")
    assert (response.status, response.empty) == (410, True)


async def test_event_names_are_form_decoded(api: Api) -> None:
    await api.start("Wait")
    await api.post("instances/i-1/raiseEvent/a+b%20%C3%BC", "1")
    events = (await api.get("instances/i-1?showHistory=true")).json["historyEvents"]
    assert events[-1]["Name"] == "a b ü"


# -- operations


async def test_terminate_ends_an_instance_once(api: Api) -> None:
    await api.start("Wait")
    response = await api.post("instances/i-1/Terminate?reason=123")
    assert (response.status, response.empty) == (202, True)
    status = await api.status()
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", 123)
    for operation in ("terminate", "suspend", "resume"):
        response = await api.post(f"instances/i-1/{operation}")
        assert (response.status, response.empty) == (410, True)


async def test_suspend_and_resume_require_the_matching_status(api: Api) -> None:
    await api.start("Wait")
    response = await api.post("instances/i-1/resume")
    assert (response.status, response.json) == (
        500,
        {
            "Message": INTERNAL_ERROR,
            "ExceptionMessage": "Cannot resume the orchestration instance i-1 because instance is "
            "in the Running state.",
            "ExceptionType": "System.InvalidOperationException",
            "StackTrace": "",
        },
    )
    assert (await api.post("instances/i-1/suspend?reason=a+b")).status == 202
    assert ((await api.status())["runtimeStatus"], (await api.status())["output"]) == (
        "Suspended",
        "a b",
    )
    response = await api.post("instances/i-1/suspend")
    assert (response.status, response.json["ExceptionMessage"]) == (
        500,
        "Cannot suspend the orchestration instance i-1 because instance is in the Suspended state.",
    )
    assert (await api.post("instances/i-1/resume")).status == 202
    assert (await api.status())["runtimeStatus"] == "Running"


async def test_rewind_requires_a_failed_instance(api: Api) -> None:
    response = await api.post("instances/none/rewind")
    assert (response.status, response.json) == (
        404,
        'No orchestration with instance ID "$none" found.',
    )
    await api.start("Wait")
    response = await api.post("instances/i-1/rewind")
    text = (
        "This orchestration has status Running, but only orchestrations in the "
        '"Failed" state can be rewound.'
    )
    assert (response.status, response.json) == (412, text)
    await api.start("Fail", "i-2")
    response = await api.post("instances/i-2/rewind?reason=again")
    assert (response.status, response.empty) == (202, True)


async def test_restart_starts_a_new_instance_or_the_same_id(api: Api) -> None:
    await api.start("Done", body='"7"')
    response = await api.request("POST", "instances/i-1/restart", b"", public_url="http://public")
    assert response.status == 202
    new = response.json["id"]
    assert new != "i-1"
    assert response.headers["location"].startswith(
        f"http://public/runtime/webhooks/durabletask/instances/{new}?"
    )
    assert (await api.status(new))["output"] == 7
    assert (await api.post("instances/i-1/restart?restartWithNewInstanceId=False")).json[
        "id"
    ] == "i-1"


async def test_restart_of_an_unknown_or_running_instance_is_refused(api: Api) -> None:
    response = await api.post("instances/none/restart")
    assert (response.status, response.json) == (
        400,
        {
            "Message": "InstanceId does not match a valid orchestration instance.",
            "ExceptionMessage": "No instance with ID 'none' was found. (Parameter 'instanceId')",
            "ExceptionType": "System.ArgumentException",
            "StackTrace": "",
        },
    )
    await api.start("Wait")
    response = await api.post("instances/i-1/restart?restartWithNewInstanceId=false")
    assert (response.status, response.json) == (
        409,
        {
            "Message": "A non-terminal instance with this instance ID already exists.",
            "ExceptionMessage": "An Orchestration instance with the status Running already exists.",
            "ExceptionType": "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
            "StackTrace": "",
        },
    )


async def test_purge_requires_a_finished_instance(api: Api) -> None:
    await api.start("Wait")
    response = await api.request("DELETE", "instances/i-1")
    assert (response.status, response.json) == (
        412,
        "Only orchestrations in a terminal state can be purged, but the orchestration with "
        "instance ID i-1 has status Running",
    )
    await api.post("instances/i-1/terminate")
    response = await api.request("DELETE", "instances/i-1")
    assert (response.status, response.text) == (200, '{"instancesDeleted":1}')
    assert (await api.get("instances/i-1")).status == 404
    response = await api.request("DELETE", "instances/@none@x")
    assert (response.status, response.json) == (200, {"instancesDeleted": 0})


async def test_an_entity_is_purged_by_its_id(api: Api) -> None:
    await api.post("entities/counter/k?op=add")
    assert (await api.request("DELETE", "instances/@counter@k")).json == {"instancesDeleted": 1}
    assert (await api.get("entities/counter/k")).status == 404


async def test_operations_ignore_the_request_body(api: Api) -> None:
    await api.start("Wait")
    assert (await api.post("instances/i-1/terminate", b"\xff not json")).status == 202


async def test_a_value_of_a_megabyte_is_returned_unchanged(api: Api) -> None:
    await api.start("Wait")
    value = "x" * 1_000_000
    assert (await api.post("instances/i-1/raiseEvent/Go", json.dumps(value))).status == 202
    assert (await api.status())["output"] == value


@pytest.mark.parametrize(
    ("protocol", "query", "status"),
    [
        (2, "?showHistory=true", 400),
        (2, "?showHistory=true&showRetries=true", 200),
        (2, "", 200),
        (1, "?showHistory=true", 200),
    ],
)
async def test_the_history_of_a_retried_call_of_sdk_2x_is_refused(
    protocol: int, query: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api()
    await api.start("Done")
    assert (await api.get("instances/i-1?showHistory=true")).status == 200
    row = api.host.row()
    attempts = (task_scheduled(row.created, 1, "Echo", None),) * 2
    api.host.store.write(
        [SaveInstance(replace(row, protocol=protocol)), AppendHistory(row.key, 9, attempts)]
    )
    response = await api.get(f"instances/i-1{query}")
    assert response.status == status
    assert ("[EH417]" in caplog.text) == (status == 400)
    if status == 400:
        assert response.json["ExceptionMessage"] == (
            "An item with the same key has already been added. Key: TaskScheduled_1"
        )
