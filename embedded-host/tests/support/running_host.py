"""A host in a separate process that serves HTTP, as a user runs it."""

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
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psutil

from embedded_host.workers.interpreter import interpreter
from tests.support.polling import eventually

FINAL = ("Completed", "Failed", "Terminated", "Canceled")
MANAGEMENT = "/runtime/webhooks/durabletask"


@dataclass(frozen=True)
class HttpReply:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    """Headers with names in lower case."""
    text: str

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.text)


def http(
    method: str,
    url: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    timeout: float = 30,
) -> HttpReply:
    """Send a request and return the response.

    Strings and bytes are sent unchanged, other bodies as JSON. Raises OSError if the host is not
    reachable.
    """
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
    sent = dict(headers or {})
    if body is not None and data is None:
        data = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    if data is None and method == "POST":
        data = b""
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return _reply(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error.code, error)


def _reply(status: int, response: HTTPResponse | urllib.error.HTTPError) -> HttpReply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpReply(status, headers, response.read().decode())


def command(
    root: Path, state: Path, *arguments: str, port: int = 0, python: Path | None = None
) -> list[str]:
    """Return the command line that starts a host in ``python``, by default in this interpreter."""
    start = [
        str(python or interpreter()[0]),
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
    """Return the environment of the host's process, with the additional variables ``more``."""
    return {**os.environ, **interpreter()[1], "PYTHONIOENCODING": "utf-8", **more}


class RunningHost:
    """A host process. The constructor starts it, and the end of a ``with`` block kills it."""

    def __init__(
        self,
        root: Path,
        state: Path,
        *arguments: str,
        port: int = 0,
        python: Path | None = None,
        importing: Path | None = None,
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        """Start a host and wait until it is ready.

        ``python`` is the interpreter of the host, by default the one that runs the tests. If
        ``importing`` is given, wait only until the app has created that file during its import.
        ``cwd`` is the working directory of the host.
        """
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
                command(root, state, *arguments, port=port, python=python),
                cwd=cwd,
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
            raise AssertionError(f"the host exited with code {self.process.returncode}:\n{log}")
        match = re.search(r"Ready at (http://\S+)", log)
        return match[1] if match else None

    @property
    def log(self) -> str:
        """The complete output of the host and its workers."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def port(self) -> int:
        """The port on which the host listens."""
        return int(self.base.rsplit(":", 1)[1])

    @property
    def workers(self) -> list[psutil.Process]:
        """The running worker processes."""
        workers: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        self._family = [*{*self._family, *workers}]
        return workers

    # -- stop --------------------------------------------------------------------------------------

    def signal(self, number: int) -> None:
        """Send a signal to the host."""
        self.process.send_signal(number)

    def stop(self, number: int | None = None, seconds: float = 20) -> int:
        """Stop the host with a signal and return its exit code.

        Raises AssertionError if a worker outlives the host.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            _ = self.workers
        self.signal(number or int(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)))
        code = self.process.wait(seconds)
        eventually(lambda: not self._survivors(), "all workers of the host have exited")
        return code

    def kill(self) -> None:
        """Kill the host and all its worker processes."""
        with contextlib.suppress(psutil.NoSuchProcess):
            _ = self.workers
        self.process.kill()
        self.process.wait(10)
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._survivors(), "all workers of the host have exited", 3)
        for survivor in self._survivors():
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()

    def _survivors(self) -> list[psutil.Process]:
        return [process for process in self._family if _runs(process)]

    # -- requests ----------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> HttpReply:
        """Send a GET request. An underscore in a header's name becomes a hyphen."""
        return self.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def post(self, path: str, body: object = None, **headers: str) -> HttpReply:
        """Send a POST request. An underscore in a header's name becomes a hyphen."""
        return self.request(
            "POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def delete(self, path: str) -> HttpReply:
        """Send a DELETE request."""
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout: float = 40,
    ) -> HttpReply:
        """Send a request. ``path`` is a path of this host or a URL."""
        return http(
            method, path if path.startswith("http") else self.base + path, body, headers, timeout
        )

    # -- orchestrations ----------------------------------------------------------------------------

    def start(
        self, name: str, input: object = None, instance_id: str | None = None
    ) -> dict[str, str]:
        """Start an instance with the app's starter function, and return its links."""
        path = f"/api/start/{name}" + (f"/{instance_id}" if instance_id else "")
        response = self.post(
            path, None if input is None else json.dumps(input), Content_Type="application/json"
        )
        assert response.status == 202, (response, self.log[-3000:])
        links: dict[str, str] = response.json
        return links

    def status(self, links: dict[str, str], **options: str) -> dict[str, Any]:
        """Return the status of an instance. ``options`` are query parameters."""
        query = "".join(f"&{name}={value}" for name, value in options.items())
        status: dict[str, Any] = self.get(links["statusQueryGetUri"] + query).json
        return status

    def end(self, links: dict[str, str], seconds: float = 25, **options: str) -> dict[str, Any]:
        """Wait until the instance has finished, and return its status."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            response = self.get(
                links["statusQueryGetUri"], Prefer=f"wait={max(1, int(limit - time.monotonic()))}"
            )
            if response.json["runtimeStatus"] in FINAL:
                return self.status(links, **options) if options else dict(response.json)
        raise AssertionError(f"not finished after {seconds} s: {response.text}\n{self.log[-3000:]}")

    def run(self, name: str, input: object = None) -> Any:
        """Run an orchestration, and return its output.

        Raises AssertionError if it does not complete.
        """
        status = self.end(self.start(name, input))
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    def until(self, links: dict[str, str], status: str) -> dict[str, Any]:
        """Wait until the instance has the runtime status ``status``, and return its status."""

        def check() -> dict[str, Any] | None:
            current = self.status(links)
            return current if current["runtimeStatus"] == status else None

        reached = eventually(check, f"status {status}")
        assert reached is not None
        return reached

    def raise_event(self, links: dict[str, str], name: str, data: object) -> HttpReply:
        """Raise an external event for an instance."""
        return self.post(
            links["sendEventPostUri"].replace("{eventName}", name),
            json.dumps(data),
            Content_Type="application/json",
        )


def _runs(process: psutil.Process) -> bool:
    """Return True unless the process has ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it ended between the two calls
        return False
