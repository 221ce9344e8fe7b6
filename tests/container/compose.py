"""Run docker-compose.yml with ``docker compose``."""

from __future__ import annotations

import contextlib
import json
import platform
import socket
import time
from pathlib import Path
from typing import Any

from tests.client import Response, request
from tests.container.engine import CommandError, Engine, run

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


class Compose:
    """One project. Calling it runs ``docker compose`` with these arguments."""

    def __init__(self, engine: Engine, folder: Path = ROOT, project: str = "hello") -> None:
        self.engine, self.folder, self.project = engine, folder, project
        machine = platform.machine()
        # Not the default ports: a test that runs at the same time may need those, and the system
        # assigns neither of these.
        self.port, self.embedded_port = free_port(28080), free_port(27071)
        self.environment = {
            **engine.environment,
            "APP_PLATFORM": f"linux/{ARCHITECTURE.get(machine, machine)}",
            "COMPOSE_PROJECT_NAME": project,
            "EMBEDDED_PORT": str(self.embedded_port),
            "HELLO_PORT": str(self.port),
        }
        self.base = f"http://localhost:{self.port}"
        """The app's URL."""

    def __call__(self, *arguments: str, seconds: float = 600) -> str:
        return run(
            ["docker", "compose", *arguments],
            environment=self.environment,
            cwd=self.folder,
            seconds=seconds,
        )

    def up(self, *arguments: str) -> None:
        """Start the services and wait until they are healthy, or raise an error with their logs."""
        try:
            self("up", "--detach", "--wait", "--wait-timeout", "180", *arguments)
        except CommandError as error:
            raise AssertionError(
                f"{error}\n{self('ps', '--all')}\n{self('logs', '--tail=40')}"
            ) from None

    def remove(self) -> None:
        """Remove containers, networks and volumes."""
        self("--profile=*", "down", "--volumes", "--timeout=5", "--remove-orphans")

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers."""
        return self("ps", "--quiet", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        (found,) = json.loads(run(["docker", "inspect", container], environment=self.environment))
        return found  # type: ignore[no-any-return]

    def image(self, service: str) -> str:
        return f"{self.project}-{service}"

    def docker(self, *arguments: str | Path, seconds: float = 600) -> str:
        return run(["docker", *arguments], environment=self.environment, seconds=seconds)


def free_port(wanted: int) -> int:
    """Return ``wanted``, or another port if that one is in use."""
    for port in (wanted, 0):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return int(one.getsockname()[1])
    raise OSError("no port is free")


def hello(base: str) -> dict[str, str]:
    """Start HelloOrchestrator and return the links of the instance."""
    response = request("GET", f"{base}/api/orchestrators/hello_orchestrator")
    assert response.status == 202, response
    links: dict[str, str] = response.json
    return links


def first_response(base: str, seconds: float = 30) -> Response:
    """Poll until the server responds, and return the first response."""
    end = time.monotonic() + seconds
    while True:
        try:
            return request("GET", base, timeout=2)
        except OSError as error:
            if time.monotonic() > end:
                raise AssertionError(f"{base} does not response: {error}") from None
            time.sleep(0.01)
