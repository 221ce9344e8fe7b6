"""The output of the command ``recover``. ``tests/recovery`` tests the recovery itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.cli import recover as module
from embedded_host.recovery import recover as recovery
from embedded_host.recovery.recover import Recovery
from embedded_host.recovery.report import FAILED, FINISHED, LOST, InstanceOutcome, Report
from embedded_host.store.lock import StateLock
from tests.cli.calling import call


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recovery:
    """Replace the recovery, and return the result of the replacement."""
    result = Recovery(Report(), tmp_path / "damaged.db", tmp_path / "damaged.db.json")
    monkeypatch.setattr(recovery, "recover", lambda path: result)
    return result


def test_an_undamaged_file_is_reported_with_its_number_of_instances(state: Path) -> None:
    called = call("recover", "--state", state)
    path = state / "state.db"
    assert (called.code, called.out) == (
        0,
        f"{path} is not damaged and was not changed. It has 4 instances and entities.\n",
    )


def test_the_output_has_the_damage_the_outcomes_and_the_files(
    state: Path, result: Recovery, tmp_path: Path
) -> None:
    result.report.problems.append("SQLite reports: malformed\x1b")
    result.report.instances += [
        InstanceOutcome("TestHub", "a", "Completed", FINISHED),
        InstanceOutcome("TestHub", "b", "Completed", FINISHED, "the input was lost"),
        InstanceOutcome("TestHub", "c", "Running", FAILED, "a timer was lost"),
        InstanceOutcome(None, None, None, LOST, "its row was lost"),
    ]
    called = call("recover", "--state", state)
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines() == [
        "Damage found: SQLite reports: malformed\\x1b.",
        "Recovered instances: 2 finished, 0 unfinished. Recovered entities: 0. "
        "Set to Failed: 1. Lost: 1.",
        "Set to Failed, because required data is lost (1):",
        "  'c' of TestHub, Running: a timer was lost",
        "Recovered, but incomplete (1):",
        "  'b' of TestHub, Completed: the input was lost",
        "Lost (1):",
        "  an instance with an unknown id: its row was lost",
        f"The damaged file was renamed to {tmp_path / 'damaged.db'}.",
        f"The full report is in {tmp_path / 'damaged.db.json'}.",
    ]


def test_a_long_list_of_instances_is_cut(state: Path, result: Recovery) -> None:
    result.report.instances += [
        InstanceOutcome("TestHub", f"i{number}", "Running", LOST) for number in range(25)
    ]
    lines = call("recover", "--state", state).out.splitlines()
    assert "Lost (25):" in lines
    assert len([line for line in lines if line.startswith("  'i")]) == module.SHOWN == 20
    assert "  and 5 more" in lines


def test_json_has_the_state_the_files_and_the_outcomes(
    state: Path, result: Recovery, tmp_path: Path
) -> None:
    result.report.instances.append(InstanceOutcome("TestHub", "a", "Completed", FINISHED))
    document = call("recover", "--state", state, "--json").json
    assert list(document) == [
        "state",
        "damagedFile",
        "reportFile",
        "counts",
        "problems",
        "instances",
    ]
    assert (document["state"], document["counts"]["finished"]) == (str(state / "state.db"), 1)
    assert document["damagedFile"] == str(tmp_path / "damaged.db")


def test_a_state_in_use_is_not_recovered(state: Path) -> None:
    with StateLock(state):
        called = call("recover", "--state", state)
    assert called.code == 1
    assert "stop the host first. [EH521]" in called.err
