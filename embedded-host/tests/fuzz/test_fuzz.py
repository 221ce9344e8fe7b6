"""A short run of each fuzz target, and a test with the inputs of all earlier findings.

``python -m tests.fuzz`` runs the targets with more inputs.
"""

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

EARLIER_FINDINGS: list[tuple[str, bytes]] = [
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
def test_a_target_accepts_arbitrary_bytes(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=80,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def check(source: bytes | Random) -> None:
        data = mutated(source, target.seeds) if isinstance(source, Random) else source
        with deadline(running.DEADLINE):
            target.call(data)

    check()


@pytest.mark.parametrize(("name", "data"), EARLIER_FINDINGS, ids=lambda value: str(value)[:20])
def test_the_input_of_an_earlier_finding_is_accepted(name: str, data: bytes) -> None:
    with deadline(running.DEADLINE):
        TARGETS[name].call(data)


def test_run_reports_each_kind_of_finding_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "DEADLINE", 0.05)

    def call(data: bytes) -> None:
        if data == b"seed":
            time.sleep(0.2)
        elif len(data) % 3 == 0:
            raise KeyError("a mistake")

    reports: list[str] = []
    target = Target(call, (b"seed",))
    findings = run(target, 50, 1, lambda description, data: reports.append(description))
    assert findings.inputs == 50
    kinds = sorted(kind.partition(":")[0] for kind in findings.by_kind)
    assert kinds == ["KeyError", "TooSlowError"]
    assert len(reports) == 2
