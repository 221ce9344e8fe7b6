"""An HTTP client for tests that run the app in another process."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

FINAL = ("Completed", "Failed", "Terminated", "Canceled")
MANAGEMENT = "/runtime/webhooks/durabletask"

T = TypeVar("T")


@dataclass(frozen=True)
class Response:
    """An HTTP response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def request(
    method: str, url: str, body: object = None, timeout: float = 30, **headers: str
) -> Response:
    """Send a request and return its response, errors included.

    A ``str`` body is sent unchanged, another one as JSON. Raises OSError if the server is not
    reachable.
    """
    data = (
        body.encode()
        if isinstance(body, str)
        else b""
        if body is None
        else json.dumps(body).encode()
    )
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    sent = urllib.request.Request(
        url, data=data if method == "POST" else None, method=method, headers=headers
    )
    try:
        response = urllib.request.urlopen(sent, timeout=timeout)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        names = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, names, response.read().decode())


def eventually(condition: Callable[[], T | None], description: str, seconds: float = 30) -> T:
    """Poll until ``condition`` returns a true value, and return that value.

    Raises AssertionError after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {description} (last value: {found!r})")
        time.sleep(0.02)


def final_status(links: dict[str, str], seconds: float = 60) -> dict[str, Any]:
    """Poll the status of an instance until it has finished, and return it."""

    def status() -> dict[str, Any] | None:
        response = request("GET", links["statusQueryGetUri"])
        return (
            response.json
            if response.status == 200 and response.json["runtimeStatus"] in FINAL
            else None
        )

    return eventually(status, f"instance {links['id']} has finished", seconds)
