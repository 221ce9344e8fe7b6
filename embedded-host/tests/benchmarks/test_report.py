"""The report of a run: figures, targets and missing peers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import peers
from benchmarks.figures import TARGETS, Figure, Target, figure, percentile
from benchmarks.peers import Peer
from benchmarks.report import Report, number, verdict

PEER_OUTPUT = {
    "peer": "restate",
    "cold_start_s": {"median": 0.99, "runs": [0.99]},
    "warm_ms": {"p50": 8.1, "p95": 10.7},
    "throughput_wf_s": {"median": 541.0, "stack_cpu_ms_per_wf": 2.5},
    "fanout_500_s": {"median": 0.54},
    "fanout_2000_error": "TimeoutError",
    "chain_ms_per_step": {"10": 2.0, "100": 2.1, "1000": 3.0},
    "rss_idle_mb": 343.0,
}


def new_report(*figures: Figure, quick: bool = False, peers: tuple[Peer, ...] = ()) -> Report:
    report = Report(
        "2026-01-02T03:04:05Z",
        "run.py",
        {"cpus": 2, "python": "3.11.7", "notes": ["a note"]},
        quick=quick,
    )
    report.add(figures)
    report.peers += peers
    return report


def printed(report: Report) -> str:
    output = io.StringIO()
    report.print(Console(file=output, width=136))
    return output.getvalue()


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(4), 3.9, True),
        (Target(4), 4, True),
        (Target(4), 4.1, False),
        (Target(20, strict=True), 20, False),
        (Target(20, strict=True), 19.9, True),
        (Target(700, at_least=True), 700, True),
        (Target(700, at_least=True), 699, False),
        (Target(1, at_least=True, strict=True), 1, False),
        (Target(1, at_least=True, strict=True), 1.01, True),
        (Target(4), float("nan"), False),
    ],
)
def test_a_target_is_met_up_to_its_bound(target: Target, value: float, met: bool) -> None:
    assert target.met(value) is met


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (Target(0.6), "<= 0.6"),
        (Target(20, strict=True), "< 20"),
        (Target(1, at_least=True, strict=True), "> 1"),
    ],
)
def test_a_target_is_shown_with_its_sign(target: Target, shown: str) -> None:
    assert str(target) == shown


def test_the_median_of_the_runs_is_compared_with_the_target() -> None:
    one_bad_run = figure("hello_p50", "hello", "ms", [3.0, 3.1, 9.0])
    assert (one_bad_run.value, one_bad_run.met, verdict(one_bad_run)) == (3.1, True, "yes")
    two_bad_runs = figure("hello_p50", "hello", "ms", [3.0, 8.1, 9.0])
    assert (two_bad_runs.value, two_bad_runs.met, verdict(two_bad_runs)) == (8.1, False, "NO")


def test_a_figure_of_another_size_has_no_target() -> None:
    other = figure("fan_out_50", "fan-out of 50", "s", [9.0])
    assert (other.target, other.met, verdict(other)) == (None, None, "")


def test_the_project_has_targets_for_speed() -> None:
    assert [
        str(TARGETS[key]) for key in ("cold_start", "hello_p50", "hello_p95", "hello_per_second")
    ] == [
        "<= 0.6",
        "<= 4",
        "<= 7",
        ">= 700",
    ]
    assert [str(TARGETS[key]) for key in ("fan_out_500", "fan_out_2000", "chain_1000_to_10")] == [
        "<= 0.4",
        "<= 1.6",
        "<= 1.5",
    ]


def test_percentiles_are_measured_values() -> None:
    values = [float(n) for n in range(1, 201)]
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 100)) == (
        100,
        190,
        200,
    )
    assert percentile([3.0], 50) == percentile([3.0], 95) == 3.0


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12,346"), (45.67, "45.7"), (4.567, "4.57"), (0.4567, "0.457"), (0.0, "0.000")],
)
def test_a_number_has_three_significant_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_table_has_spread_target_and_verdict() -> None:
    table = printed(
        new_report(
            figure("hello_p50", "hello, warm", "ms", [3.0, 5.0, 9.0]),
            figure("x", "other", "s", [1.0]),
        )
    )
    line = next(line for line in table.splitlines() if "hello, warm" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "hello, warm",
        "5.00",
        "3.00..9.00",
        "ms",
        "<= 4",
        "NO",
    ]
    assert "Note: a note" in table
    assert "0 of 1 targets met" in table


def test_targets_do_not_apply_to_a_quick_run() -> None:
    quick = new_report(figure("hello_p50", "hello, warm", "ms", [9.0]), quick=True)
    assert quick.missed == []
    assert "Do not quote these figures" in printed(quick)


def test_the_cpu_time_of_sdk_2_is_compared_with_1x_of_the_same_run() -> None:
    report = new_report(
        figure("hello_cpu", "CPU", "ms", [2.0]), figure("sdk2_hello_cpu", "CPU", "ms", [3.2])
    )
    report.compare()
    compared = report.figures[-1]
    assert (compared.key, compared.value, compared.met) == ("sdk2_cpu_to_1x", 1.6, False)


def test_the_json_has_the_figures_and_the_missed_targets() -> None:
    report = new_report(
        figure("hello_p50", "hello", "ms", [3.0, 5.0, 9.0]),
        figure("fan_out_500", "fan-out", "s", [0.1]),
    )
    document = json.loads(json.dumps(report.json()))
    assert document["missed"] == ["hello_p50"]
    assert document["figures"]["hello_p50"] == {
        "text": "hello",
        "unit": "ms",
        "median": 5.0,
        "min": 3.0,
        "max": 9.0,
        "runs": [3.0, 5.0, 9.0],
        "target": "<= 4",
        "met": False,
        "note": "",
    }


# -- peers -----------------------------------------------------------------------------------------


def test_the_values_of_a_peer_have_our_keys() -> None:
    assert peers.values(PEER_OUTPUT) == {
        "cold_start": 0.99,
        "hello_p50": 8.1,
        "hello_p95": 10.7,
        "hello_per_second": 541.0,
        "hello_cpu": 2.5,
        "fan_out_500": 0.54,
        "memory_idle": 343.0,
        "chain_1000_to_10": 1.5,
    }


@pytest.mark.parametrize(("ours", "met"), [(540.0, False), (541.0, False), (800.0, True)])
def test_the_target_compares_with_restate_of_the_same_run(ours: float, met: bool) -> None:
    restate = Peer("restate", peers.values(PEER_OUTPUT))
    report = new_report(figure("hello_per_second", "hello", "1/s", [ours]), peers=(restate,))
    report.compare()
    assert report.figures[-1].key == "against_restate"
    assert report.figures[-1].met is met
    assert "541" in printed(report)


def test_a_peer_without_its_environment_is_reported_missing(tmp_path: Path) -> None:
    (tmp_path / "dbos").mkdir()
    (tmp_path / "dbos" / "bench.py").write_text("")
    assert peers.names(tmp_path) == ["dbos"]
    problem = peers.missing(tmp_path / "dbos")
    assert problem.startswith("missing: its environment does not exist")
    assert peers.missing(tmp_path / "typo").endswith("bench.py does not exist")
    assert "dbos: missing" in printed(new_report(peers=(Peer("dbos", problem=problem),)))
    python = tmp_path / "dbos" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "dbos" / "venv" / "Scripts").mkdir()
    (tmp_path / "dbos" / "venv" / "Scripts" / "python.exe").touch()
    assert peers.missing(tmp_path / "dbos") == ""
