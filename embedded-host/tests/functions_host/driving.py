"""Drives a host that serves the probe app through every recorded case, and says where it differs from the recordings."""

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
    """What answers does not serve the probe app; the text says how that shows."""


class RealHostRecorder(Recorder):
    """With the key that a host with keys in force asks for, and patience with what the real host never ends."""

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
        with contextlib.suppress(
            AssertionError
        ):  # the status that it has by then is recorded, and compared
            super().wait(links, *until)


def write_app(folder: Path, requirements: Path) -> None:
    """The probe app as a real host takes it: with the extension bundle and what is to be installed."""
    app = probe_app(folder)
    host_json = json.loads((app.root / "host.json").read_text(encoding="utf-8"))
    app.write("host.json", json.dumps({**host_json, "extensionBundle": BUNDLE}, indent=2) + "\n")
    app.write("requirements.txt", requirements.read_text(encoding="utf-8"))


def find_key(base: str) -> str:
    """The system key that the host's own links carry, an empty text where none is asked for. Raises NotTheProbeError, OSError."""
    reply = Recorder(base, []).send(
        "POST", "/api/start/Hello", "", {"Content-Type": "application/json"}
    )
    links = reply.json
    if reply.status != 202 or not isinstance(links, dict) or "statusQueryGetUri" not in links:
        raise NotTheProbeError(
            f"POST {base}/api/start/Hello answers {reply.status}, not 202 with links: {reply.text[:300]}"
        )
    _, found, rest = links["statusQueryGetUri"].partition("code=")
    return rest.partition("&")[0] if found else ""


def recorded(only: str = "") -> dict[str, list[Step]]:
    """The recordings of the cases whose names begin with ``only``."""
    cases: dict[str, list[Step]] = _data("golden.json")
    return {case: steps for case, steps in cases.items() if case.startswith(only)}


def compare(
    base: str, key: str, cases: dict[str, list[Step]]
) -> Iterator[tuple[str, int, int, list[str]]]:
    """Each case in turn: its name, how many of its steps were compared, how many are as recorded, and what differs.

    Left out are the steps in which two recordings of one host differ, and without a key those that hold only with keys."""
    skipped = {tuple(one) for one in _data("unstable.json")}
    skipped |= {tuple(one) for one in _data("keys-only.json")} if not key else set()
    functions = CASES | HTTP_CASES
    for case, expected in cases.items():
        recorder = RealHostRecorder(base, expected, key)
        found: list[str] = []
        try:
            functions[case](recorder)
        except (
            Exception
        ) as error:  # an answer that the case cannot go on from is a difference as well
            found.append(f"the case came to an end: {type(error).__name__}: {error}")
        steps = [number for number in range(len(expected)) if (case, number) not in skipped]
        same = 0
        for number in steps:
            got: Any = (
                recorder.steps[number]
                if number < len(recorder.steps)
                else {"request": "<not reached>"}
            )
            different = differences(expected[number], got)
            same += not different
            found += [f"[{number}] {expected[number]['request']}: {one}" for one in different]
        yield case, len(steps), same, found


def _data(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
