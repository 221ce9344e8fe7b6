"""``python benchmarks/run.py``: it comes to its end with all figures, and leaves nothing behind. No times are asserted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from embedded_host.workers.interpreter import interpreter
from tests.support.polling import eventually

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
    f"machine_{what}_{when}" for what in ("loop", "fdatasync") for when in ("before", "after")
]


def environment() -> dict[str, str]:
    """What coverage or a CI sets for this process is not the benchmark's."""
    return {**os.environ, **interpreter()[1], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


def test_a_quick_run_ends_with_all_figures(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [interpreter()[0], str(RUN), "--quick", "--only", "speed", "--json", str(file)]
    ran = subprocess.run(
        command, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=100
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert sorted(found["figures"]) == sorted(SPEED + MACHINE)
    assert all(figure["runs"] and figure["median"] >= 0 for figure in found["figures"].values())
    assert found["quick"] is True
    assert found["machine"]["python"] == sys.version.split()[0]
    assert "cold start to the first Completed" in ran.stdout
    assert "cold start 1 of 2" in ran.stderr


@pytest.mark.skipif(
    os.name == "nt", reason="a process of Windows cannot be sent a Ctrl+C of its own"
)
def test_ctrl_c_stops_what_was_started(tmp_path: Path) -> None:
    command = [interpreter()[0], str(RUN), "--only", "speed"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        family = psutil.Process(process.pid)
        eventually(
            lambda: len(family.children(recursive=True)) > 1,
            "it has started a host and its worker",
            60,
        )
        started = family.children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        eventually(
            lambda: not any(child.is_running() for child in started), "all of it has ended", 10
        )
    finally:
        process.kill()
        process.wait(10)
    assert "Interrupted" in (tmp_path / "log").read_text()
    if sys.version_info >= (3, 11):  # asyncio tells of the interrupted task itself before that
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_another_python_is_refused_with_the_one_to_use() -> None:
    # -S: without site-packages, as an interpreter that nothing was installed for
    ran = subprocess.run(
        [sys.executable, "-S", str(RUN)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert "has no module 'aiohttp'" in ran.stderr
    assert ".venv/bin/python benchmarks/run.py" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--only", "sped"), "no part 'sped'"), (("--rounds", "0"), "no number from 1")],
)
def test_wrong_arguments(arguments: tuple[str, str], says: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(RUN), *arguments], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert says in ran.stderr
