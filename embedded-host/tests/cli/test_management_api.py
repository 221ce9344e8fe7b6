"""Against what a real host answers, and what is no host at all; embedded ones are asked by the commands' own tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cli.calling import call

BASE = "/runtime/webhooks/durabletask"
KEY = "a+key/=="


@dataclass
class FakeHost:
    """Answers as it is told to, by method and path, and remembers what it was asked."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, dict[str, str], object]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], dict[str, str], str]] = field(default_factory=list)
    """Method, path, query, headers (names in lower case) and body."""
    key: str | None = None

    def answer(self, method: str, path: str, status: int, body: object = None, **headers: str) -> None:
        self.answers[method, path] = (status, headers, body)


@pytest.fixture
def fake() -> Iterator[FakeHost]:
    host = FakeHost()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0))).decode()
            host.asked.append((self.command, parts.path, dict(parse_qsl(parts.query)), headers, body))
            status, more, answer = host.answers.get((self.command, parts.path), (404, {}, None))
            if host.key and headers.get("x-functions-key") != host.key:
                status, more, answer = 401, {"WWW-Authenticate": "Bearer"}, None
            text = b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield host
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_key_goes_in_a_header(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.key = KEY
    fake.answer("GET", f"{BASE}/instances", 200, [])
    without = call("get-instances", "--url", fake.url)
    assert without.code == 1
    assert f"{fake.url} wants a key (status 401)" in without.err
    assert "durabletask_extension" in without.err
    wrong = call("get-instances", "--url", fake.url, "--code", "wrong")
    assert "does not take the key" in wrong.err
    assert call("get-instances", "--url", fake.url, "--code", KEY).code == 0
    assert "code" not in fake.asked[-1][2], "an address is logged, a header is not"
    monkeypatch.setenv("EMBEDDED_HOST_CODE", KEY)
    assert call("get-instances", "--url", fake.url).code == 0


def test_the_link_of_an_instance_is_accepted_as_url(fake: FakeHost) -> None:
    fake.key = KEY
    fake.answer("GET", f"{BASE}/instances", 200, [])
    link = f"{fake.url}{BASE}/instances/abc?taskHub=Hub&connection=Storage&code=a%2Bkey%2F%3D%3D"
    called = call("get-instances", "--url", link)
    assert called.code == 0
    assert called.err.startswith(f"Host: {fake.url}\n"), "the key is not shown"
    assert (fake.asked[-1][2]["taskHub"], fake.asked[-1][2]["connection"]) == ("Hub", "Storage")


def test_each_command_sends_its_request(fake: FakeHost) -> None:
    fake.answer("GET", f"{BASE}/instances", 200, [], **{"x-ms-continuation-token": "more"})
    listed = call(
        *("get-instances", "--url", fake.url, "--created-after", "01/31/2026 13:00", "--created-before", "2026-02-01"),
        *("--runtime-status", "running", "FAILED", "--top", 7, "--continuation-token", "t", "--task-hub-name", "H"),
        *("--connection-string-setting", "Second", "--json"),
    )
    assert listed.json["continuationToken"] == "more"
    _, _, query, headers, _ = fake.asked[0]
    assert query == {
        "createdTimeFrom": "2026-01-31T13:00:00Z",
        "createdTimeTo": "2026-02-01T00:00:00Z",
        "runtimeStatus": "Running,Failed",
        "top": "7",
        "showInput": "false",
        "taskHub": "H",
        "connection": "Second",
    }
    assert headers["x-ms-continuation-token"] == "t"
    assert len(fake.asked) == 2, "a host that gives the same token again is not asked for ever"


def test_a_purge_names_the_statuses_so_that_nothing_that_runs_is_deleted(fake: FakeHost) -> None:
    fake.answer("DELETE", f"{BASE}/instances", 200, {"instancesDeleted": 3})
    assert call("purge-history", "--url", fake.url).out == "Deleted 3 instances.\n"
    assert fake.asked[-1][2] == {
        "createdTimeFrom": "1970-01-01T00:00:00Z",
        "runtimeStatus": "Completed,Failed,Terminated,Canceled",
    }


def test_start_works_if_the_functions_are_not_listed(fake: FakeHost) -> None:
    fake.answer("GET", "/admin/functions", 401)
    fake.answer("POST", f"{BASE}/orchestrators/Order/a%23b", 202, {"id": "a#b"})
    called = call("start-new", "--url", fake.url, "--function-name", "Order", "--id", "a#b", "--input", '{"n": 1.0}')
    assert called.out == "Started 'Order' as instance 'a#b'.\n"
    assert fake.asked[-1][4] == '{"n": 1.0}', "as it was written"
    refused = call("functions", "list", "--url", fake.url)
    assert refused.code == 1
    assert "its master key (status 401)" in refused.err


def test_a_host_without_diagnoses_is_diagnosed_from_the_history(fake: FakeHost) -> None:
    status = {
        "name": "Order",
        "instanceId": "a",
        "runtimeStatus": "Running",
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": "2026-01-02T03:04:05Z",
        "lastUpdatedTime": "2026-01-02T03:04:06Z",
        "historyEvents": [
            {"EventType": "ExecutionStarted", "Timestamp": "2026-01-02T03:04:05Z", "FunctionName": "Order"},
            {"EventType": "TaskScheduled", "Name": "Charge", "Timestamp": "2026-01-02T03:04:05.5Z"},
        ],
    }
    fake.answer("GET", f"{BASE}/instances/a", 202, status)
    found = call("diagnose", "--id", "a", "--url", fake.url, "--json").json
    assert (found["source"], found["waitsFor"][0]["name"]) == ("history", "Charge")
    assert fake.asked[-1][2]["showHistoryOutput"] == "true"
    exported = call("export", "--id", "a", "--url", fake.url).json
    assert exported["status"] == status


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, {"Message": "Something went wrong", "ExceptionMessage": "the disk is full"}, "the disk is full"),
        (503, b"<html>\x1b[31m\x07\xc2\x9b2J</html>", "refused with status 503"),
        (200, b"<html>", "answered with what is not JSON"),
        (404, None, "what answers there is another program"),
    ],
)
def test_unexpected_responses_are_reported(fake: FakeHost, status: int, body: object, told: str) -> None:
    for path in (f"{BASE}/instances", f"{BASE}/instances/a"):
        fake.answer("GET", path, status, body)
    for arguments in (["get-instances"], ["get-runtime-status", "--id", "a"]):
        called = call(*arguments, "--url", fake.url)
        assert (called.code, called.out) == (1, "")
        assert told in called.err
        assert all(line.isprintable() for line in called.err.split("\n")), "it does not steer the terminal"


def test_the_key_is_not_sent_after_a_redirect(fake: FakeHost) -> None:
    fake.answer("GET", f"{BASE}/instances", 302, None, Location=f"{fake.url}/elsewhere")
    called = call("get-instances", "--url", fake.url, "--code", KEY)
    assert called.code == 1
    assert f"{fake.url} sends elsewhere, to {fake.url}/elsewhere: name that with --url." in called.err
    assert [path for _, path, *_ in fake.asked] == [f"{BASE}/instances"]


def test_a_refusal_because_the_instance_runs_is_not_reported_as_finished(fake: FakeHost) -> None:
    fake.answer("POST", f"{BASE}/instances/a/terminate", 404)
    fake.answer("GET", f"{BASE}/instances/a", 202, {"runtimeStatus": "Running"})
    called = call("terminate", "--id", "a", "--url", fake.url)
    assert called.code == 1
    assert f"{fake.url} refused with status 404" in called.err
