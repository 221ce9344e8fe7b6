"""docs/how-to/debugging.md: with ``--in-process``, breakpoints stop the process of the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.cli.init import app_files
from tests.support.running_host import RunningHost

DEBUGGER = """\
import os
import sys


def stop():
    print(f"stopped in {sys._getframe(1).f_code.co_name} of process {os.getpid()}", flush=True)
"""

pytestmark = pytest.mark.xdist_group("docs")


def test_breakpoints_stop_in_activities_and_orchestrators(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for path, text in app_files(root, "v2").items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    app = root / "function_app.py"
    text = app.read_text(encoding="utf-8")
    for line in ("    seattle = yield", '    return f"Hello {city}!"'):
        assert text.count(line) == 1
        text = text.replace(line, f"    breakpoint()\n{line}")
    app.write_text(text, encoding="utf-8")
    (root / "debugger.py").write_text(DEBUGGER, encoding="utf-8")
    arguments = ("--in-process", "--replayed-instances", "0")
    with RunningHost(
        root, tmp_path / "state", *arguments, PYTHONBREAKPOINT="debugger.stop"
    ) as host:
        links = host.get("/api/orchestrators/hello_cities").json
        host.end(links)
        stops = [line for line in host.log.splitlines() if line.startswith("stopped")]
        # The orchestrator stays in memory between its turns, so it passes each line once.
        assert stops == [
            f"stopped in {name} of process {host.process.pid}"
            for name in ("say_hello", "hello_cities", "say_hello", "say_hello")
        ]
