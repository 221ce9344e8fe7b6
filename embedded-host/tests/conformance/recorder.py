"""Run requests against a host with the probe app, and record the responses as in golden.json.

The recorder normalizes ids, times, ports and keys, so that the recordings of two hosts can be
compared.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.conformance.comparison import Step, differences
from tests.support.polling import eventually
from tests.support.running_host import FINAL

HEADERS = ("content-type", "location", "retry-after", "x-out", "allow", "www-authenticate")
JSON = {"Content-Type": "application/json"}
Links = dict[str, str]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
_DOTNET_EXCEPTION = re.compile(r'\{\\*"\$type\\*":\\*"[\w.]*Exception.*', re.DOTALL)
_DOTNET_MESSAGE = re.compile(
    r"Microsoft\.Azure\.WebJobs\.Host\.FunctionInvocationException: .*", re.DOTALL
)
_STACK_IN_JSON = re.compile(r'("StackTrace": ?")(?:[^"\\]|\\.)*"')
_PYTHON_STACK = re.compile(r"(\n|\\n)Stack:.*", re.DOTALL)
_PATHS = re.compile(r"(?:/tmp|/root|/home|/_)/[^\s\"',)\\]+")


class Reply:
    """A response that is not normalized."""

    def __init__(self, status: int, headers: dict[str, str], text: str) -> None:
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self) -> Any:
        """The parsed body; None if it is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Recorder:
    """Runs one case.

    ``recorded`` has the expected steps. ``settle`` repeats a request until its response matches, or
    until a deadline.
    """

    def __init__(self, base: str, recorded: list[Step]) -> None:
        self.base = base
        self.steps: list[Step] = []
        self.ids: dict[str, str] = {}
        self._recorded = recorded

    def new_id(self, name: str = "id", prefix: str = "") -> str:
        """Return a new id, which the recording shows as ``<name>``."""
        self.ids[name] = prefix + uuid4().hex
        return self.ids[name]

    # -- requests ----------------------------------------------------------------------------------

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send a request that is not a step of the recording.

        Redirects are not followed, and the only added header is the content type of a body, as with
        urllib in the original recording.
        """
        parts = urlsplit(self.base)
        target = path.removeprefix(self.base)
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, target, None if body is None else body.encode(), sent)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return Reply(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                text,
            )
        finally:
            connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        label: str = "",
    ) -> Reply:
        """Send a request and record it as a step."""
        reply = self.send(method, path, body, headers)
        self.steps.append(self._step(reply, method, path, label))
        return reply

    def settle(
        self,
        method: str,
        path: str,
        label: str = "",
        seconds: float = 3,
        body: str | None = None,
    ) -> Reply:
        """Repeat a request until its response matches the recorded step, then record it."""
        limit = time.monotonic() + seconds
        expected = self._recorded[len(self.steps)] if len(self.steps) < len(self._recorded) else {}
        while True:
            reply = self.send(method, path, body)
            step = self._step(reply, method, path, label)
            if not differences(expected, step) or time.monotonic() > limit:
                self.steps.append(step)
                return reply
            time.sleep(0.02)

    def note(self, request: str, **fields: Any) -> None:
        """Record a step that summarizes several requests."""
        self.steps.append({"request": request, **fields})

    def call(self, kind: str, name: str, /, *, settle: bool = False, **given: Any) -> Reply:
        """Call the SDK's client in the function ``kind`` of the probe app, and record the step."""
        body = json.dumps(given)
        method, path, label = "POST", f"/api/{kind}/{name}", f"{name} {self.normal(body)}"
        if settle:
            return self.settle(method, path, label, body=body)
        return self.request(method, path, body, label=label)

    # -- orchestrations ----------------------------------------------------------------------------

    def start(
        self, name: str, body: Any = None, instance_id: str | None = None, *, record: bool = False
    ) -> Links:
        """Start an instance with the probe's starter. Record a response without links as a step."""
        path = f"/api/start/{name}" + (f"/{instance_id}" if instance_id else "")
        text = None if body is None else json.dumps(body)
        reply = (self.request if record else self.send)(
            "POST", path, "" if text is None else text, JSON
        )
        links = reply.json
        if not isinstance(links, dict) or "id" not in links:
            self.note("start " + name, status=reply.status, body=self.normal(reply.text)[:500])
            return {}
        return links

    def wait(self, links: Links, *until: str) -> None:
        """Wait until the instance has one of the statuses ``until``; by default, a final status."""
        wanted = until or FINAL

        def there() -> bool:
            status = self.send("GET", links["statusQueryGetUri"]).json
            return bool(status) and status["runtimeStatus"] in wanted

        eventually(there, f"status {' or '.join(wanted)}", 30)

    def raise_event(
        self, links: Links, name: str, body: str, kind: str = "application/json", label: str = ""
    ) -> None:
        uri = links["sendEventPostUri"].replace("{eventName}", name)
        self.request("POST", uri, body, {"Content-Type": kind}, label)

    def post(self, uri: str, text: str | None = None, label: str = "") -> Reply:
        return self.request(
            "POST", uri if text is None else uri.replace("{text}", text), "", label=label
        )

    # -- normalization -----------------------------------------------------------------------------

    def normal(self, text: str) -> str:
        text = text.replace(self.base, "<base>").replace(
            self.base.replace("127.0.0.1", "localhost"), "<base>"
        )
        for name, value in sorted(self.ids.items(), key=lambda item: -len(item[1])):
            text = text.replace(value, f"<{name}>")
        text = re.sub(r"\b[0-9a-f]{32}\b", "<guid>", text)
        text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>", text)
        text = re.sub(r"code=[^&\"\\ ]+", "code=<key>", text)
        text = re.sub(r"http://127\.0\.0\.1:\d+/durabletask/", "<rpc>/", text)
        text = re.sub(r'("rpcBaseUrl": ?")http://127\.0\.0\.1:\d+', r"\1<rpc>", text)
        text = re.sub(r"\bat 0x[0-9a-f]+", "at <address>", text)
        return _TIME.sub(
            lambda found: "<time" + ("." if found[1] else "") + (found[2] or "") + ">", text
        )

    def _step(self, reply: Reply, method: str, path: str, label: str) -> Step:
        return {
            "request": self.normal(f"{method} {path}") + (f" | {label}" if label else ""),
            "status": reply.status,
            "headers": {
                name: self.normal(reply.headers[name])
                for name in HEADERS
                if reply.headers.get(name)
            },
            "body": self._body(reply.text),
        }

    def _body(self, text: str) -> Any:
        normal = self.normal(text)
        try:
            shown = _tidy(json.loads(normal)) if text else ""
        except ValueError:
            shown = _tidy(normal)
        length = len(json.dumps(shown))
        if length > 20000:
            return {"__long__": length, "head": _tidy(self.normal(text[:300]))}
        return shown


def _tidy(value: Any) -> Any:
    """Remove stack traces, serialized exceptions and paths."""
    if isinstance(value, dict):
        return {k: "<stack>" if k == "StackTrace" and v else _tidy(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if isinstance(value, str):
        value = _DOTNET_EXCEPTION.sub("<exception>", value)
        value = _DOTNET_MESSAGE.sub("<dotnet>", value)
        value = _STACK_IN_JSON.sub(r'\1<stack>"', value)
        value = _PYTHON_STACK.sub(r"\1Stack:<stack>", value)
        return _PATHS.sub("<path>", value)
    return value


Case = Callable[[Recorder], None]
