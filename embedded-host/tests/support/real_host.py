"""Plays back what a real Functions host answered when it was recorded (tests/conformance/golden.json), on a port of this machine.

It asks for keys as the real one does (functions-host.md#authorization), and takes nothing that was not recorded or that no test has told it of.
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
BEGAN = datetime(2026, 11, 25, 9, 30, tzinfo=timezone.utc)
NEW_ID = "0123456789abcdef0123456789abcdef"
"""An id that the host makes."""
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
"""What may stand in a query (functions-host.md#management-routes); ``showDiagnosis`` is the embedded host's, and no real one minds it."""
_COMMON = {"taskHub", "connection", "code"}
Answer = tuple[int, Mapping[str, str], str]


class RealHost:
    """``asked`` has what came: method, path, query, headers (names in lower case) and body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], dict[str, str], str]] = []
        self.unexpected: list[str] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                given = {name.lower(): value for name, value in self.headers.items()}
                parts = urlsplit(self.path)
                body = self.rfile.read(int(given.get("content-length", 0))).decode()
                query = dict(parse_qsl(parts.query))
                host.asked.append((self.command, unquote(parts.path), query, given, body))
                status, headers, text = host.answer(*host.asked[-1])
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
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

    # -- what it has to answer -----------------------------------------------------------------------

    def plays(
        self, case: str, label: str | None = None, *, at: int = 0, id: str = "order-7"
    ) -> Any:
        """One recorded step: that with the label, or the ``at``-th of its case. Returns the body. The last one that is given
        for a request is given again and again.
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
        self._answers.setdefault((method, path), []).append((step["status"], step["headers"], body))
        return step["body"]

    def says(self, method: str, path: str, status: int, body: Any = "", **headers: str) -> None:
        """What the contract says and the recording does not have; ``path`` is behind the management API's, or begins with /admin."""
        self.sends(method, path, status, "" if body == "" else json.dumps(body), **headers)

    def sends(self, method: str, path: str, status: int, text: str, **headers: str) -> None:
        """Answer with a text. The path is as for ``says``."""
        whole = path if path.startswith("/admin") else MANAGEMENT + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers.setdefault((method, whole), []).append((status, named, text))

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: str
    ) -> Answer:
        key = headers.get("x-functions-key") or query.get("code")
        is_admin = path.startswith("/admin")
        if key not in (SYSTEM_KEY, MASTER_KEY):
            return 401, {"WWW-Authenticate": "Bearer"}, ""
        if is_admin and key != MASTER_KEY:
            return 403, {}, ""
        if wrong := _refused(method, path, headers, body):
            return wrong
        answers = self._answers.get((method, path))
        if unknown := query.keys() - _COMMON - (set() if is_admin else _parameters(path)):
            self.unexpected.append(f"{method} {path}: no parameter {unknown}")
        if answers is None:
            self.unexpected.append(f"{method} {path}")
            return 404, {}, ""
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _refused(method: str, path: str, headers: dict[str, str], body: str) -> Answer | None:
    """Bodies that the real host does not take (functions-host.md#start-an-instance and #raise-an-event), in its own words."""
    takes_json = "/raiseEvent/" in path or "/orchestrators/" in path
    if method != "POST":
        return None
    if "content-length" not in headers:
        return 411, {}, ""  # without it the input would be an empty text, and the instance fail
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
    return next(step for step in GOLDEN[case] if step["request"].endswith(f" | {label}"))


def filled(step: dict[str, Any], base: str = "https://app.example", id: str = "order-7") -> Any:
    """A recorded step with ids, times and keys in the place of their marks. Events follow each other by 100 ms; what they complete
    was scheduled in the turn before.
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
    found = json.loads(
        text.replace("code=<key>", "code=wU3-_system%2B%2F%3D%3D").replace("<key>", "visits")
    )
    if isinstance(found["body"], dict):
        _fill_events(
            found["body"].get("historyEvents") or [],
            found["body"].get("name") in ("FanOut", "FanAny"),
        )
    return found


def _fill_events(events: list[dict[str, Any]], together: bool) -> None:
    calls = iter(_uuids(1))
    waiting: list[str] = []
    for at, event in enumerate(events):
        event["Timestamp"] = _at(at * 10)
        if "FireAt" in event:
            made = at - 1 if event["EventType"] == "TimerFired" else at
            event["FireAt"] = _at(made * 10 + 5)
        if "ScheduledTime" in event:
            before = 0 if together else at - 1
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
