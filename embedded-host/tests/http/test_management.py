"""The routes and task hubs of the management API.

See functions-host.md#transport and #management-routes.
"""

from __future__ import annotations

import pytest

from embedded_host.http import management
from embedded_host.web.request import BodyTooLargeError, ClientGoneError, Request
from tests.http.api import Api, request


@pytest.mark.parametrize(
    "request_line",
    [
        *(
            "PUT instances/i-1",
            "PATCH instances/i-1",
            "HEAD instances/i-1",
            "OPTIONS instances/i-1",
        ),
        *("GET orchestrators/Wait", "POST orchestrators", "POST instances", "POST instances/i-1"),
        *(
            "POST instances/i-1/nosuch",
            "GET instances/i-1/terminate",
            "POST instances/i-1/raiseEvent",
        ),
        *(
            "POST instances/i-1/raiseEvent/Go/more",
            "POST instances//terminate",
            "DELETE instances/i-1/x",
        ),
        *(
            "GET ",
            "GET /",
            "GET other",
            "POST entities/counter",
            "PUT entities/counter/k",
            "GET entities/a/b/c",
        ),
        *("POST orchestrators//i-1", "PATCH makeprimary", "GET makeprimary/x"),
    ],
)
async def test_a_path_without_a_route_is_404(api: Api, request_line: str) -> None:
    await api.start("Wait")
    method, _, target = request_line.partition(" ")
    response = await api.request(method, target, b"{}", {"Content-Type": "application/json"})
    assert (response.status, response.empty) == (404, True)


@pytest.mark.parametrize(
    "path", ["instances/i-1", "Instances/i-1/", "INSTANCES/%69-1", "/instances/i-1//"]
)
async def test_paths_match_in_any_case_and_with_outer_slashes(api: Api, path: str) -> None:
    await api.start("Wait")
    assert (await api.get(path)).status == 202


async def test_ids_are_case_sensitive(api: Api) -> None:
    await api.start("Wait", "abc")
    assert (await api.get("instances/ABC")).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_makeprimary_is_an_empty_200(api: Api, method: str) -> None:
    response = await api.request(method, "makePrimary")
    assert (response.status, response.empty) == (200, True)


@pytest.mark.parametrize(
    "query",
    ["taskHub=hub&connection=Storage", "taskHub=", "TASKHUB=Hub", "connection=Other", "code=x"],
)
async def test_the_own_task_hub_is_addressed_by_name_or_default(api: Api, query: str) -> None:
    await api.start("Wait")
    assert (await api.get(f"instances/i-1?{query}")).status == 202


async def test_another_task_hub_has_its_own_instances(api: Api) -> None:
    await api.start("Done")
    for request_line in (
        "DELETE instances?createdTimeFrom=2020-01-01&",
        "DELETE instances/i-1?",
        "GET instances/i-1?",
    ):
        method, _, target = request_line.partition(" ")
        assert (await api.request(method, f"{target}taskHub=Other")).status == 404
    assert (await api.get("instances?taskHub=OTHER")).json == []
    assert len((await api.get("instances")).json) == 1


async def test_an_instance_of_another_task_hub_stays_in_it(api: Api) -> None:
    response = await api.post("orchestrators/Done/i-1?taskHub=Other", "1")
    assert response.status == 202
    assert "taskHub=Other&" in response.headers["location"]
    for hub in ("Other", "other"):
        status = (await api.get(f"instances/i-1?taskHub={hub}")).json
        assert (status["runtimeStatus"], status["input"]) == ("Pending", 1)
    assert (await api.post("orchestrators/Done/i-1?taskHub=oTHER")).status == 409
    assert (await api.get("instances/i-1")).status == 404


async def test_the_least_recently_used_of_too_many_hubs_is_closed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management, "OTHERS", 2)
    for name in ("One", "Two", "Three", "Two"):
        assert (await api.post(f"orchestrators/Done/{name}?taskHub={name}")).status in (202, 409)
    assert list(api.management._others) == ["three", "two"]
    assert (await api.get("instances/One?taskHub=one")).status == 202, "the hub is opened again"


@pytest.mark.parametrize("name", ["x", "1hub", "a-b", "h" * 51, "%C3%BC%C3%BC%C3%BC", "a'b"])
async def test_an_invalid_task_hub_name_is_refused(api: Api, name: str) -> None:
    response = await api.request("GET", f"instances?taskHub={name}")
    assert response.status == 400
    assert response.json["Message"].endswith("is not a valid name of a task hub.")


async def test_an_internal_error_is_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(api.host.client, "status", broken)
    response = await api.get("instances/i-1")
    assert response.status == 500
    assert response.json == {
        "Message": "Something went wrong while processing your request",
        "ExceptionMessage": "division by zero",
        "ExceptionType": "ZeroDivisionError",
        "StackTrace": "",
    }
    assert "GET /runtime/webhooks/durabletask/instances/i-1 failed with status 500" in caplog.text


@pytest.mark.parametrize("error", [BodyTooLargeError, ClientGoneError])
async def test_errors_while_reading_the_body_pass_through(api: Api, error: type[Exception]) -> None:
    async def read() -> bytes:
        raise error

    sent = request("POST", "/x")
    with pytest.raises(error):
        await api.management.handle(
            Request("POST", "/x", "", sent.headers, sent.base_url, read),
            "/orchestrators/Done",
        )
