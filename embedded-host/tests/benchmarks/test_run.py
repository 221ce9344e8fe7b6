"""Runs of ``python benchmarks/run.py`` with small sizes. The tests assert on no measured value."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from embedded_host.workers.app_interpreter import EXECUTABLE_SETTING
from embedded_host.workers.interpreter import interpreter
from tests.support.app_python import app_python
from tests.support.polling import eventually
from tests.support.sdk2 import NEEDS_SDK_2

ROOT = Path(__file__).parents[2]
RUN = ROOT / "benchmarks" / "run.py"
SPEED = [
    *(
        "cold_start",
        "hello_p50",
        "hello_p95",
        "hello_per_second",
        "hello_cpu",
        "fan_out_20",
        "fan_out_50",
    ),
    *(
        "chain_5",
        "chain_10",
        "chain_20",
        "chain_20_to_5",
        "memory_idle",
        "memory_after_100",
        "memory_end",
    ),
]
MACHINE = [
    f"machine_{quantity}_{when}"
    for quantity in ("loop", "fdatasync")
    for when in ("before", "after")
]


def environment() -> dict[str, str]:
    """Return the environment of the benchmark, without the variables of coverage."""
    return {**os.environ, **interpreter()[1], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def test_a_quick_run_ends_with_all_figures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [interpreter()[0], str(RUN), "--quick", "--only", "speed", "--json", str(file)]
    ran = subprocess.run(
        command, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=100
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    assert sorted(report["figures"]) == sorted(SPEED + MACHINE)
    assert all(figure["runs"] and figure["median"] >= 0 for figure in report["figures"].values())
    assert report["quick"] is True
    assert report["machine"]["python"] == sys.version.split()[0]
    assert "cold start to the first Completed" in ran.stdout
    assert "cold start 1 of 2" in ran.stderr


@NEEDS_SDK_2
def test_a_quick_run_of_sdk_2_has_the_figures_of_both_sdks_and_of_the_in_memory_backend(
    tmp_path: Path,
) -> None:
    file = tmp_path / "figures.json"
    command = [interpreter()[0], str(RUN), "--quick", "--only", "speed,sdk2", "--json", str(file)]
    ran = subprocess.run(
        [*command, "--app-python", app_python() or sys.executable],
        # The host runs the app for SDK 1.x in its own interpreter.
        env={name: value for name, value in environment().items() if name != EXECUTABLE_SETTING},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    own = [f"sdk2_{key}" for key in SPEED]
    assert sorted(report["figures"]) == sorted([*SPEED, *own, *MACHINE, "sdk2_cpu_to_1x"])
    peer = report["peers"]["durabletask, in memory"]
    assert peer["problem"] == ""
    assert peer["values"]["hello_per_second"] > 0
    assert "with SDK 2.x" in ran.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl+C to a single process")
def test_ctrl_c_stops_all_started_processes(tmp_path: Path) -> None:
    command = [interpreter()[0], str(RUN), "--only", "speed"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        benchmark = psutil.Process(process.pid)
        eventually(
            lambda: len(benchmark.children(recursive=True)) > 1,
            "the benchmark has started a host and its worker",
            60,
        )
        started = benchmark.children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        eventually(
            lambda: not any(child.is_running() for child in started),
            "all started processes have exited",
            10,
        )
    finally:
        process.kill()
        process.wait(10)
    assert "Interrupted" in (tmp_path / "log").read_text()
    if sys.version_info >= (3, 11):  # before that, asyncio logs the interrupted task
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_python_without_the_packages_exits_with_the_command_to_use() -> None:
    # -S excludes site-packages.
    ran = subprocess.run(
        [sys.executable, "-S", str(RUN)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert "has no module 'aiohttp'" in ran.stderr
    assert ".venv-dev/bin/python benchmarks/run.py" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "sped"), "unknown part: sped"),
        (("--rounds", "0"), "'0' is not a whole number from 1"),
        (("--only", "sdk2"), "the part sdk2 needs --app-python PATH"),
    ],
)
def test_an_invalid_argument_is_refused(arguments: tuple[str, str], message: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(RUN), *arguments], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert message in ran.stderr
