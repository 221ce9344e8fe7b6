"""A server that responds with recorded responses of the Azure Functions host.

The recordings are in ``tests/conformance/golden.json``. The server requires access keys, as the
Azure Functions host does (functions-host.md#authorization). It collects the requests for which the
test has added no response.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.running_host import MANAGEMENT

SYSTEM_KEY, MASTER_KEY = "wU3-_system+/==", "master-key"
GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "conformance" / "golden.json").read_text(encoding="utf-8")
)
BEGAN = datetime(2026, 11, 25, 9, 30, tzinfo=timezone.utc)
NEW_ID = "0123456789abcdef0123456789abcdef"
"""The instance id that replaces a generated id in the recorded responses."""
_PARAMETERS = {
    "instance": {"showInput", "showHistory", "showHistoryOutput", "showRetries", "showDiagnosis"},
    "instances": {
        "instanceIdPrefix",
        "createdTimeFrom",
        "createdTimeTo",
        "runtimeStatus",
        "showInput",
        "top",
    },
    "entities": {"top", "fetchState"},
    "entity": {"op"},
    "operation": {"reason", "restartWithNewInstanceId"},
}
"""The known query parameters of each route (functions-host.md#management-routes).

``showDiagnosis`` and ``showRetries`` are parameters of the embedded host. The Azure Functions host
ignores them.
"""
_COMMON = {"taskHub", "connection", "code"}


class Response(NamedTuple):
    """A response of the server."""

    status: int
    headers: Mapping[str, str]
    body: str


class ReceivedRequest(NamedTuple):
    """A request to the server. ``headers`` has names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


class RecordedHost:
    """The server, on a free port of this machine."""

    def __init__(self) -> None:
        self.requests: list[ReceivedRequest] = []
        self.unexpected: list[str] = []
        """The requests for which there is no response, and those with unknown parameters."""
        self._responses: dict[tuple[str, str], list[Response]] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                request_headers = {name.lower(): value for name, value in self.headers.items()}
                parts = urlsplit(self.path)
                request = ReceivedRequest(
                    self.command,
                    unquote(parts.path),
                    dict(parse_qsl(parts.query)),
                    request_headers,
                    self.rfile.read(int(request_headers.get("content-length", 0))).decode(),
                )
                host.requests.append(request)
                response = host.response_to(request)
                body = response.body.encode()
                self.send_response(response.status)
                for name, value in {**response.headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None: ...

            def version_string(self) -> str:
                return "Kestrel"

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def play(self, case: str, label: str | None = None, *, at: int = 0, id: str = "order-7") -> Any:
        """Add a recorded response and return its body.

        ``at`` is the index of the step in its case, or among the steps of the case with ``label``.
        The server gives the responses to a request in the order in which they were added, and
        repeats the last one.
        """
        steps = [s for s in GOLDEN[case] if label is None or s["request"].endswith(f" | {label}")]
        step = filled(steps[at], self.url, id)
        method, _, target = step["request"].partition(" | ")[0].partition(" ")
        path = unquote(urlsplit(target.removeprefix(self.url)).path)
        body = (
            ""
            if step["body"] == "" and not step["headers"].get("content-type")
            else json.dumps(step["body"])
        )
        self._add(method, path, Response(step["status"], step["headers"], body))
        return step["body"]

    def respond(self, method: str, path: str, status: int, body: Any = "", **headers: str) -> None:
        """Add a JSON response that is specified but not recorded.

        ``path`` is relative to the management API, or starts with /admin or /dashboard.
        """
        text = "" if body == "" else json.dumps(body)
        self.respond_with_text(method, path, status, text, **headers)

    def respond_with_text(
        self, method: str, path: str, status: int, text: str, **headers: str
    ) -> None:
        """Add a response with any body. ``path`` has the same form as in ``respond``."""
        full_path = path if path.startswith(("/admin", "/dashboard")) else MANAGEMENT + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._add(method, full_path, Response(status, named, text))

    def _add(self, method: str, path: str, response: Response) -> None:
        self._responses.setdefault((method, path), []).append(response)

    def response_to(self, request: ReceivedRequest) -> Response:
        """Return the response to a request."""
        method, path = request.method, request.path
        key = request.headers.get("x-functions-key") or request.query.get("code")
        is_admin = path.startswith("/admin")
        if key not in (SYSTEM_KEY, MASTER_KEY):
            return Response(401, {"WWW-Authenticate": "Bearer"}, "")
        if is_admin and key != MASTER_KEY:
            return Response(403, {}, "")
        if refusal := _refusal(request):
            return refusal
        responses = self._responses.get((method, path))
        if responses is None and path.startswith("/dashboard/"):
            return Response(404, {}, "")  # commands try it, because the embedded host has it
        if unknown := request.query.keys() - _COMMON - (set() if is_admin else _parameters(path)):
            self.unexpected.append(f"{method} {path}: no parameter {unknown}")
        if responses is None:
            self.unexpected.append(f"{method} {path}")
            return Response(404, {}, "")
        return responses.pop(0) if len(responses) > 1 else responses[0]


def _refusal(request: ReceivedRequest) -> Response | None:
    """Return the recorded response to an invalid body, or None for a valid one.

    Source: functions-host.md#start-an-instance and functions-host.md#raise-an-event.
    """
    is_event = "/raiseEvent/" in request.path
    if request.method != "POST":
        return None
    if "content-length" not in request.headers:
        return Response(411, {}, "")  # an invalid input (an empty string) would fail the instance
    content_type = request.headers.get("content-type", "").partition(";")[0]
    if is_event and content_type != "application/json":
        return _recorded_refusal("text/plain")
    if is_event or ("/orchestrators/" in request.path and request.body):
        try:
            json.loads(request.body)
        except ValueError:
            return _recorded_refusal("malformed JSON")
    return None


def _recorded_refusal(label: str) -> Response:
    return Response(400, {}, json.dumps(step_of("events/case-and-bodies", label)["body"]))


def _parameters(path: str) -> set[str]:
    _, kind, *rest = path.removeprefix(MANAGEMENT).split("/")
    if kind == "instances":
        return _PARAMETERS[("instances", "instance")[len(rest)] if len(rest) < 2 else "operation"]
    if kind == "entities":
        return _PARAMETERS["entity" if len(rest) > 1 else "entities"]
    return set()


def step_of(case: str, label: str) -> dict[str, Any]:
    return next(step for step in GOLDEN[case] if step["request"].endswith(f" | {label}"))


def filled(step: dict[str, Any], base: str = "https://app.example", id: str = "order-7") -> Any:
    """Return a recorded step with ids, times and keys instead of their placeholders.

    Each event is 100 ms later than the previous event. Each completed call was scheduled in the
    turn before its completion.
    """
    text = json.dumps(step)
    for mark, value in {
        "<base>": base,
        "<id>": id,
        "<id2>": id,
        "<guid>": NEW_ID,
        "<timeZ>": _at(0),
    }.items():
        text = text.replace(mark, value)
    filled_step = json.loads(
        text.replace("code=<key>", "code=wU3-_system%2B%2F%3D%3D").replace("<key>", "visits")
    )
    body = filled_step["body"]
    if isinstance(body, dict):
        _fill_events(
            body.get("historyEvents") or [],
            is_one_turn=body.get("name") in ("FanOut", "FanAny"),
        )
    return filled_step


def _fill_events(events: list[dict[str, Any]], *, is_one_turn: bool) -> None:
    """Set the times and ids of events.

    ``is_one_turn`` is true if the first turn scheduled all calls.
    """
    calls = iter(_uuids(1))
    waiting: list[str] = []
    for at, event in enumerate(events):
        event["Timestamp"] = _at(at * 10)
        if "FireAt" in event:
            created = at - 1 if event["EventType"] == "TimerFired" else at
            event["FireAt"] = _at(created * 10 + 5)
        if "ScheduledTime" in event:
            before = 0 if is_one_turn else at - 1
            event["ScheduledTime"] = _at(before * 10 + 1 + at / 100).replace("Z", "+00:00")
        if event["EventType"] == "EventSent":
            sent = json.loads(event["Input"])
            sent["id"] = next(calls)
            waiting += [] if sent.get("signal") else [sent["id"]]
            event["Input"] = json.dumps(sent)
        elif event.get("Name") == "<uuid>":
            event["Name"] = waiting.pop(0)


def _uuids(first: int) -> Iterator[str]:
    number = first
    while True:
        yield f"00000000-0000-5000-8000-{number:012d}"
        number += 1


def _at(hundredths: float) -> str:
    text = (BEGAN + timedelta(seconds=hundredths / 100)).isoformat().replace("+00:00", "Z")
    return re.sub(r"(\.\d*?)0+Z$", r"\1Z", text)
