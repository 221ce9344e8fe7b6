import asyncio
import json
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

import HttpStarter

HOST = "http://localhost:7071"
WEBHOOK = f"{HOST}/runtime/webhooks/durabletask/instances/INSTANCEID"
QUERY = "taskHub=HelloHub&connection=Storage"
BINDING = json.dumps(
    {
        "taskHubName": "HelloHub",
        "connectionName": None,
        "creationUrls": {},
        "managementUrls": {
            "id": "INSTANCEID",
            "statusQueryGetUri": f"{WEBHOOK}?{QUERY}",
            "sendEventPostUri": f"{WEBHOOK}/raiseEvent/{{eventName}}?{QUERY}",
            "terminatePostUri": f"{WEBHOOK}/terminate?reason={{text}}&{QUERY}",
            "purgeHistoryDeleteUri": f"{WEBHOOK}?{QUERY}",
        },
        "baseUrl": f"{HOST}/runtime/webhooks/durabletask",
        "requiredQueryStringParameters": "",
        "rpcBaseUrl": "http://127.0.0.1:17071/durabletask/",
    }
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Replace the client's start, and return the calls as pairs of name and input."""
    calls: list[tuple[str, Any]] = []

    async def start_new(
        client: df.DurableOrchestrationClient,
        orchestration_function_name: str,
        instance_id: str | None = None,
        client_input: Any = None,
    ) -> str:
        assert instance_id is None, "the host chooses the instance id"
        calls.append((orchestration_function_name, client_input))
        return f"instance-{len(calls)}"

    monkeypatch.setattr(df.DurableOrchestrationClient, "start_new", start_new)
    return calls


def request(name: str, body: bytes = b"", method: str = "GET") -> func.HttpResponse:
    url = f"{HOST}/api/orchestrators/{name}"
    sent = func.HttpRequest(method=method, url=url, route_params={"functionName": name}, body=body)
    return asyncio.run(HttpStarter.main(sent, BINDING))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "name",
    [
        "hello_orchestrator",
        "HelloOrchestrator",
        "hello-orchestrator",
        "HELLOORCHESTRATOR",
        "helloOrchestrator",
    ],
)
def test_any_spelling_starts_the_orchestrator(
    name: str, method: str, started: list[tuple[str, Any]]
) -> None:
    response = request(name, method=method)
    assert response.status_code == 202
    assert started == [("HelloOrchestrator", None)]


def test_the_response_is_the_check_status_response(started: list[tuple[str, Any]]) -> None:
    response = request("hello_orchestrator")
    body = json.loads(response.get_body())
    assert body["id"] == "instance-1"
    assert body["statusQueryGetUri"] == f"{WEBHOOK.replace('INSTANCEID', 'instance-1')}?{QUERY}"
    assert "/instances/instance-1/raiseEvent/{eventName}?" in body["sendEventPostUri"]
    assert response.headers["Location"] == body["statusQueryGetUri"]
    assert response.headers["Retry-After"] == "10"
    assert response.headers["Content-Type"] == "application/json"


def test_every_request_starts_a_new_instance(started: list[tuple[str, Any]]) -> None:
    ids = [json.loads(request("hello_orchestrator").get_body())["id"] for _ in range(3)]
    assert ids == ["instance-1", "instance-2", "instance-3"]


@pytest.mark.parametrize(
    "name", ["nope", "HelloActivity", "HttpStarter", "shared", "", "../HelloOrchestrator"]
)
def test_an_unknown_name_returns_404_and_starts_no_instance(
    name: str, started: list[tuple[str, Any]]
) -> None:
    response = request(name)
    assert response.status_code == 404
    assert response.mimetype == "application/json"
    body = json.loads(response.get_body())
    assert body == {
        "error": f"There is no orchestrator '{name}' in this app.",
        "orchestrators": ["HelloOrchestrator"],
    }
    assert started == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"name": "Ada", "n": [1, 2.5, null]}', {"name": "Ada", "n": [1, 2.5, None]}),
        (b'"text"', "text"),
        (b"0", 0),
        (b"false", False),
        (b"[]", []),
        (b"null", None),
        (b"", None),
        (b" \r\n", None),
        ('{"é": "世"}'.encode(), {"é": "世"}),
        (b'\xef\xbb\xbf{"bom": true}', {"bom": True}),
    ],
)
def test_a_json_body_becomes_the_input(
    body: bytes, expected: Any, started: list[tuple[str, Any]]
) -> None:
    response = request("hello_orchestrator", body, "POST")
    assert response.status_code == 202
    assert started == [("HelloOrchestrator", expected)]
    assert type(started[0][1]) is type(expected)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"name=Ada",
        b"{'a': 1}",
        b'{"a": 1} x',
        b"NaN",
        b"[-Infinity]",
        b'"\xff"',
        b"[" * 200_000,
    ],
)
def test_an_invalid_body_returns_400_and_starts_no_instance(
    body: bytes, started: list[tuple[str, Any]]
) -> None:
    response = request("hello_orchestrator", body, "POST")
    assert response.status_code == 400
    assert response.mimetype == "application/json"
    assert json.loads(response.get_body())["error"].startswith(
        "The body of the request is not valid JSON: "
    )
    assert started == []


def test_an_unknown_name_has_precedence_over_an_invalid_body(
    started: list[tuple[str, Any]],
) -> None:
    assert request("nope", b"{", "POST").status_code == 404


def test_the_known_orchestrators_are_those_of_the_app_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, Any]]
) -> None:
    (tmp_path / "Other").mkdir()
    trigger = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
    (tmp_path / "Other" / "function.json").write_text(json.dumps({"bindings": [trigger]}))
    monkeypatch.setattr(HttpStarter, "APP_ROOT", tmp_path)
    assert request("o_t_h_e_r").status_code == 202
    assert started == [("Other", None)]
    assert request("hello_orchestrator").status_code == 404
