"""A host as a user runs it: a process of its own, spoken to over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from embedded_host.workers.interpreter import interpreter
from tests.support.polling import eventually

FINAL = ("Completed", "Failed", "Terminated", "Canceled")
MANAGEMENT = "/runtime/webhooks/durabletask"


@dataclass(frozen=True)
class HttpReply:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def http(
    method: str,
    url: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    timeout: float = 30,
) -> HttpReply:
    """``body`` is sent as it is if it is text or bytes, else as JSON. Raises OSError if nobody answers."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    sent = dict(headers or {})
    if body is not None and data is None:
        data = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    if data is None and method == "POST":
        data = b""
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as got:
            return HttpReply(
                got.status, {k.lower(): v for k, v in got.headers.items()}, got.read().decode()
            )
    except urllib.error.HTTPError as got:
        with got:
            return HttpReply(
                got.code, {k.lower(): v for k, v in got.headers.items()}, got.read().decode()
            )


def command(root: Path, state: Path, *arguments: str, port: int = 0) -> list[str]:
    """The command line that starts a host."""
    start = [
        interpreter()[0],
        "-m",
        "embedded_host",
        "start",
        "--script-root",
        str(root),
        "--state",
        str(state),
    ]
    return [*start, "--port", str(port), *arguments]


def environment(**more: str) -> dict[str, str]:
    """For the host's process. What coverage or a CI sets for this one is not the app's."""
    return {**os.environ, **interpreter()[1], "PYTHONIOENCODING": "utf-8", **more}


class RunningHost:
    """Started by the constructor; ``stop`` or ``kill`` ends it, and ``with`` makes sure that nothing is left of it."""

    def __init__(
        self,
        root: Path,
        state: Path,
        *arguments: str,
        port: int = 0,
        importing: Path | None = None,
        **environ: str,
    ) -> None:
        """Return when the host is ready, or when its app has made the file ``importing`` during its import."""
        self.root, self.state = root, state
        self._log = state.parent / f"{state.name}-{time.monotonic_ns()}.log"
        state.parent.mkdir(parents=True, exist_ok=True)
        own_group: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if os.name == "nt"
            else {"start_new_session": True}
        )
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command(root, state, *arguments, port=port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(**environ),
                **own_group,
            )
        self._family: list[psutil.Process] = []
        try:
            if importing is not None:
                eventually(importing.exists, "the app is being imported", 30)
            else:
                self.base = eventually(self._printed_url, "the host is ready", 30)
        except BaseException:
            self.kill()
            raise
        self._family = psutil.Process(self.process.pid).children(recursive=True)

    def __enter__(self) -> RunningHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _printed_url(self) -> str | None:
        log = self.log
        if self.process.poll() is not None:
            raise AssertionError(f"the host ended with {self.process.returncode}:\n{log}")
        found = re.search(r"Ready at (http://\S+)", log)
        return found[1] if found else None

    @property
    def log(self) -> str:
        """All that the host and its workers have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    @property
    def workers(self) -> list[psutil.Process]:
        """The worker processes that live now."""
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        self._family = [*{*self._family, *found}]
        return found

    # -- the end -----------------------------------------------------------------------------------

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int | None = None, seconds: float = 20) -> int:
        """Ask it to stop; its exit code. Its workers must have ended too."""
        with contextlib.suppress(psutil.NoSuchProcess):
            _ = self.workers
        self.signal(number or int(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)))
        code = self.process.wait(seconds)
        eventually(lambda: not self._survivors(), "its workers end with it", 5)
        return code

    def kill(self) -> None:
        """End it as a power cut would, and whatever it started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            _ = self.workers
        self.process.kill()
        self.process.wait(10)
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._survivors(), "its workers end with it", 3)
        for survivor in self._survivors():
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()

    def _survivors(self) -> list[psutil.Process]:
        return [p for p in self._family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    # -- requests ----------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> HttpReply:
        return self.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, body: object = None, **headers: str) -> HttpReply:
        return self.request(
            "POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def delete(self, path: str) -> HttpReply:
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout: float = 40,
    ) -> HttpReply:
        return http(
            method, path if path.startswith("http") else self.base + path, body, headers, timeout
        )

    # -- orchestrations ----------------------------------------------------------------------------

    def start(
        self, name: str, input: object = None, instance_id: str | None = None
    ) -> dict[str, str]:
        """Through the app's own starter; the links of the new instance."""
        path = f"/api/start/{name}" + (f"/{instance_id}" if instance_id else "")
        answer = self.post(
            path, None if input is None else json.dumps(input), Content_Type="application/json"
        )
        assert answer.status == 202, (answer, self.log[-3000:])
        links: dict[str, str] = answer.json
        return links

    def status(self, links: dict[str, str], **options: str) -> dict[str, Any]:
        query = "".join(f"&{name}={value}" for name, value in options.items())
        status: dict[str, Any] = self.get(links["statusQueryGetUri"] + query).json
        return status

    def end(self, links: dict[str, str], seconds: float = 25, **options: str) -> dict[str, Any]:
        """The status once the instance has finished."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            answer = self.get(
                links["statusQueryGetUri"], Prefer=f"wait={max(1, int(limit - time.monotonic()))}"
            )
            if answer.json["runtimeStatus"] in FINAL:
                return self.status(links, **options) if options else dict(answer.json)
        raise AssertionError(f"not finished after {seconds} s: {answer.text}\n{self.log[-3000:]}")

    def run(self, name: str, input: object = None) -> Any:
        """The output of an orchestration that must complete."""
        status = self.end(self.start(name, input))
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    def until(self, links: dict[str, str], status: str) -> dict[str, Any]:
        """The status once it is ``status``."""

        def look() -> dict[str, Any] | None:
            now = self.status(links)
            return now if now["runtimeStatus"] == status else None

        found = eventually(look, f"status {status}")
        assert found is not None
        return found

    def raise_event(self, links: dict[str, str], name: str, data: object) -> HttpReply:
        return self.post(
            links["sendEventPostUri"].replace("{eventName}", name),
            json.dumps(data),
            Content_Type="application/json",
        )
