"""A little fuzzing with every run of the tests: ``python -m tests.fuzz`` does more. What it has found stays mended."""

from __future__ import annotations

import json
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import running
from tests.fuzz.mutations import mutated
from tests.fuzz.running import deadline, run
from tests.fuzz.targets import TARGETS, Target

FOUND: list[tuple[str, bytes]] = [
    ("frames", b"\x00\x00\x00\x11\x83\xa4type\xa6Result\xa2id\x01\xa5value\xa2\xff\xfe"),
    ("frames", b"\x00\x00\x00\x12\x83\xa4type\xa6Result\xa2id\x01\xa5value\xa2\xff\xfe"),
    ("values", b"9" * 30_000),
    ("values", b"\x1f5"),
    ("function.json", json.dumps({"scriptFile": "x" * 5000 + ".py", "bindings": []}).encode()),
    ("history", TARGETS["history"].seeds[1].replace(b"2026-01-01T00:00:01Z", b"Infinity")),
    ("history", TARGETS["history"].seeds[2].replace(b'"EventType": 4', b'"EventType": "x9"')),
    ("history", b'[{"EventType": []}]'),
    ("history", b'[{"EventType": 0, "OrchestrationInstance": 3, "Timestamp": "x"}]'),
]
inputs = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.integers(0, 2**64).map(Random),
)


@pytest.mark.parametrize("name", TARGETS)
def test_what_comes_from_outside(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=80,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def try_it(given: bytes | Random) -> None:
        data = mutated(given, target.seeds) if isinstance(given, Random) else given
        with deadline(running.DEADLINE):
            target.call(data)

    try_it()


@pytest.mark.parametrize(("name", "data"), FOUND, ids=lambda value: str(value)[:20])
def test_what_was_found_once(name: str, data: bytes) -> None:
    with deadline(running.DEADLINE):
        TARGETS[name].call(data)


def test_findings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "DEADLINE", 0.05)

    def call(data: bytes) -> None:
        if data == b"seed":
            time.sleep(0.2)
        elif len(data) % 3 == 0:
            raise KeyError("a mistake")

    said: list[str] = []
    findings = run(Target(call, (b"seed",)), 50, 1, lambda text, data: said.append(text))
    assert findings.inputs == 50
    assert sorted(kind.partition(":")[0] for kind in findings.found) == ["KeyError", "TooSlowError"]
    assert len(said) == 2
