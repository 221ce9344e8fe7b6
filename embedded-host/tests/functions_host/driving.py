"""Runs the recorded cases against a host with the probe app, and compares the responses."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.cases import CASES
from tests.conformance.cases_http import HTTP_CASES
from tests.conformance.comparison import Step, differences
from tests.conformance.probe_app import probe_app
from tests.conformance.recorder import Links, Recorder, Reply
from tests.support.running_host import MANAGEMENT

RECORDINGS = Path(__file__).parents[1] / "conformance"
BUNDLE = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}


class NotTheProbeError(Exception):
    """The host does not serve the probe app. The message has the unexpected response."""


class KeyRecorder(Recorder):
    """A recorder that sends the system key and tolerates instances that never finish."""

    def __init__(self, base: str, recorded: list[Step], key: str) -> None:
        super().__init__(base, recorded)
        self._key = key

    def send(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        if self._key and MANAGEMENT in path and "code=" not in path:
            path += f"{'&' if '?' in path else '?'}code={self._key}"
        return super().send(method, path, body, headers)

    def wait(self, links: Links, *until: str) -> None:
        # After the timeout, the current status is recorded and compared.
        with contextlib.suppress(AssertionError):
            super().wait(links, *until)


def write_app(folder: Path, requirements: Path) -> None:
    """Write the probe app with the extension bundle and ``requirements`` as requirements.txt."""
    app = probe_app(folder)
    host_json = json.loads((app.root / "host.json").read_text(encoding="utf-8"))
    app.write("host.json", json.dumps({**host_json, "extensionBundle": BUNDLE}, indent=2) + "\n")
    app.write("requirements.txt", requirements.read_text(encoding="utf-8"))


def find_key(base: str) -> str:
    """Return the system key in the links of a new instance, or an empty string if there is none.

    Raises NotTheProbeError if the host serves another app, and OSError if it is not reachable.
    """
    reply = Recorder(base, []).send(
        "POST", "/api/start/Hello", "", {"Content-Type": "application/json"}
    )
    links = reply.json
    if reply.status != 202 or not isinstance(links, dict) or "statusQueryGetUri" not in links:
        raise NotTheProbeError(
            f"POST {base}/api/start/Hello returned status {reply.status} instead of 202 with "
            f"links: {reply.text[:300]}"
        )
    _, parameter, rest = links["statusQueryGetUri"].partition("code=")
    return rest.partition("&")[0] if parameter else ""


def recorded(only: str = "") -> dict[str, list[Step]]:
    """Return the recordings of the cases whose names begin with ``only``."""
    cases: dict[str, list[Step]] = _data("golden.json")
    return {case: steps for case, steps in cases.items() if case.startswith(only)}


def compare(
    base: str, key: str, cases: dict[str, list[Step]]
) -> Iterator[tuple[str, int, int, list[str]]]:
    """Run each case, and yield its name, its counts of compared and equal steps, its differences.

    Steps in which two recordings of the same host differ are not compared. Without a key, steps
    that need keys are not compared either.
    """
    skipped = {tuple(one) for one in _data("unstable.json")}
    skipped |= {tuple(one) for one in _data("keys-only.json")} if not key else set()
    functions = CASES | HTTP_CASES
    for case, expected in cases.items():
        recorder = KeyRecorder(base, expected, key)
        differing: list[str] = []
        try:
            functions[case](recorder)
        except Exception as error:  # a response with which the case cannot continue
            differing.append(f"the case stopped: {type(error).__name__}: {error}")
        steps = [number for number in range(len(expected)) if (case, number) not in skipped]
        same = 0
        for number in steps:
            actual: Any = (
                recorder.steps[number]
                if number < len(recorder.steps)
                else {"request": "<not reached>"}
            )
            different = differences(expected[number], actual)
            same += not different
            request = expected[number]["request"]
            differing += [f"[{number}] {request}: {difference}" for difference in different]
        yield case, len(steps), same, differing


def _data(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
