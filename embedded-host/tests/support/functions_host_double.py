"""A double of the Azure Functions host that replays recorded responses (golden.json) over HTTP.

It requires keys as the Azure Functions host does (functions-host.md#authorization). A request
without a recorded response, or one that the test has set, gets status 404 and is listed as
unexpected.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.running_host import MANAGEMENT

SYSTEM_KEY, MASTER_KEY = "wU3-_system+/==", "master-key"
GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "conformance" / "golden.json").read_text(encoding="utf-8")
)
START = datetime(2026, 11, 25, 9, 30, tzinfo=timezone.utc)
NEW_ID = "0123456789abcdef0123456789abcdef"
"""An instance id that the host generates."""
_PARAMETERS = {
    "instance": {"showInput", "showHistory", "showHistoryOutput", "showDiagnosis"},
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
"""Valid query parameters by kind of route (functions-host.md#management-routes).

Only the embedded host has ``showDiagnosis``. The Azure Functions host ignores it.
"""
_COMMON = {"taskHub", "connection", "code"}
Response = tuple[int, Mapping[str, str], str]


class FunctionsHostDouble:
    """The double. ``url`` is its base URL.

    ``requests`` has the method, path, query, headers and body of each request. The names of headers
    are in lower case.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str], str]] = []
        self.unexpected: list[str] = []
        self._responses: dict[tuple[str, str], list[Response]] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                parts = urlsplit(self.path)
                body = self.rfile.read(int(headers.get("content-length", 0))).decode()
                query = dict(parse_qsl(parts.query))
                host.requests.append((self.command, unquote(parts.path), query, headers, body))
                status, sent, text = host.respond(*host.requests[-1])
                self.send_response(status)
                for name, value in {**sent, "Content-Length": str(len(text.encode()))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

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

    # -- responses ---------------------------------------------------------------------------------

    def replays(
        self, case: str, label: str | None = None, *, at: int = 0, id: str = "order-7"
    ) -> Any:
        """Replay one recorded step, and return the body of its response.

        The step is the one with ``label``, or the step with the index ``at`` of the case. Several
        responses to one request are sent in order, and the last one repeatedly.
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
        self._responses.setdefault((method, path), []).append(
            (step["status"], step["headers"], body)
        )
        return step["body"]

    def responds(self, method: str, path: str, status: int, body: Any = "", **headers: str) -> None:
        """Respond with the JSON value ``body``, for requests without a recording.

        ``path`` is relative to the management API, or begins with /admin.
        """
        self.responds_with_text(
            method, path, status, "" if body == "" else json.dumps(body), **headers
        )

    def responds_with_text(
        self, method: str, path: str, status: int, text: str, **headers: str
    ) -> None:
        """Respond with the string ``text``. ``path`` is as in ``responds``."""
        whole = path if path.startswith("/admin") else MANAGEMENT + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._responses.setdefault((method, whole), []).append((status, named, text))

    def respond(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: str
    ) -> Response:
        key = headers.get("x-functions-key") or query.get("code")
        is_admin = path.startswith("/admin")
        if key not in (SYSTEM_KEY, MASTER_KEY):
            return 401, {"WWW-Authenticate": "Bearer"}, ""
        if is_admin and key != MASTER_KEY:
            return 403, {}, ""
        if refusal := _refusal(method, path, headers, body):
            return refusal
        responses = self._responses.get((method, path))
        if unknown := query.keys() - _COMMON - (set() if is_admin else _parameters(path)):
            self.unexpected.append(f"{method} {path}: no parameter {unknown}")
        if responses is None:
            self.unexpected.append(f"{method} {path}")
            return 404, {}, ""
        return responses.pop(0) if len(responses) > 1 else responses[0]


def _refusal(method: str, path: str, headers: dict[str, str], body: str) -> Response | None:
    """Return the recorded error for an invalid body, or None.

    See functions-host.md#start-an-instance and functions-host.md#raise-an-event.
    """
    takes_json = "/raiseEvent/" in path or "/orchestrators/" in path
    if method != "POST":
        return None
    if "content-length" not in headers:
        # Without the header, the input would be an empty string, and the instance would fail.
        return 411, {}, ""
    if (
        "/raiseEvent/" in path
        and headers.get("content-type", "").partition(";")[0] != "application/json"
    ):
        return 400, {}, json.dumps(step_of("events/case-and-bodies", "text/plain")["body"])
    if takes_json and (body or "/raiseEvent/" in path):
        try:
            json.loads(body)
        except ValueError:
            return 400, {}, json.dumps(step_of("events/case-and-bodies", "malformed JSON")["body"])
    return None


def _parameters(path: str) -> set[str]:
    _, kind, *rest = path.removeprefix(MANAGEMENT).split("/")
    if kind == "instances":
        return _PARAMETERS[("instances", "instance")[len(rest)] if len(rest) < 2 else "operation"]
    if kind == "entities":
        return _PARAMETERS["entity" if len(rest) > 1 else "entities"]
    return set()


def step_of(case: str, label: str) -> dict[str, Any]:
    """Return the recorded step of ``case`` with ``label``."""
    return next(step for step in GOLDEN[case] if step["request"].endswith(f" | {label}"))


def filled(step: dict[str, Any], base: str = "https://app.example", id: str = "order-7") -> Any:
    """Return a recorded step with ids, times and keys instead of placeholders.

    Events are 100 ms apart. Each completed task was scheduled in the turn before its completion.
    """
    text = json.dumps(step)
    for mark, value in {
        "<base>": base,
        "<id>": id,
        "<id2>": id,
        "<guid>": NEW_ID,
        "<timeZ>": _time(0),
    }.items():
        text = text.replace(mark, value)
    result = json.loads(
        text.replace("code=<key>", "code=wU3-_system%2B%2F%3D%3D").replace("<key>", "visits")
    )
    if isinstance(result["body"], dict):
        _fill_events(
            result["body"].get("historyEvents") or [],
            result["body"].get("name") in ("FanOut", "FanAny"),
        )
    return result


def _fill_events(events: list[dict[str, Any]], together: bool) -> None:
    calls = iter(_uuids(1))
    waiting: list[str] = []
    for index, event in enumerate(events):
        event["Timestamp"] = _time(index * 10)
        if "FireAt" in event:
            created = index - 1 if event["EventType"] == "TimerFired" else index
            event["FireAt"] = _time(created * 10 + 5)
        if "ScheduledTime" in event:
            before = 0 if together else index - 1
            event["ScheduledTime"] = _time(before * 10 + 1 + index / 100).replace("Z", "+00:00")
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


def _time(hundredths: float) -> str:
    text = (START + timedelta(seconds=hundredths / 100)).isoformat().replace("+00:00", "Z")
    return re.sub(r"(\.\d*?)0+Z$", r"\1Z", text)
