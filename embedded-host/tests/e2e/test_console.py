"""The log records of functions on the console of a host process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder, http_trigger
from tests.support.polling import eventually

CODE = """
import logging
import os
import threading

logging.warning("record at import")


def main(req):
    logging.info("info of %s", os.environ["WEBSITE_HOSTNAME"])
    logging.error("error record")
    print("printed")
    thread = threading.Thread(target=lambda: logging.info("record of a thread"))
    thread.start()
    thread.join()
    logging.critical("the end")
    return "done"
"""
RESULT = {"name": "$return", "type": "http", "direction": "out"}


def run(start_host: StartHost, tmp_path: Path, levels: dict[str, str], *options: str) -> str:
    """Run the function on a new host, and return the host's log after the start."""
    host_json: dict[str, Any] = {"version": "2.0", "logging": {"logLevel": levels}}
    app = AppFolder(tmp_path / "app", host_json)
    app.function("One", CODE, http_trigger(), RESULT)
    host = start_host(app.root, *options)
    assert host.get("/api/One").text == "done"
    eventually(lambda: "the end" in host.log or "None" in levels.values(), "the last record", 20)
    assert host.stop() == 0
    return host.log


@pytest.mark.parametrize("options", [(), ("--in-process",)])
def test_records_and_output_are_visible_unless_no_function_runs(
    start_host: StartHost, tmp_path: Path, options: tuple[str, ...]
) -> None:
    log = run(start_host, tmp_path, {}, *options)
    assert re.search(r"\] INFO One: info of localhost:\d+\n", log)
    assert "\nprinted\n" in log
    assert "] INFO record of a thread\n" in log
    assert log.count("[EH855]") == log.count("[EH856]") == 1
    assert "'One/__init__.py' (One/__init__.py line 6)" in log
    assert "record at import" not in log
    assert log.count("INFO One: Executing 'Functions.One'") == 1
    assert log.count("INFO One: Executed 'Functions.One' (Succeeded") == 1


def test_strict_loses_the_records_of_threads(start_host: StartHost, tmp_path: Path) -> None:
    log = run(start_host, tmp_path, {}, "--parity", "strict")
    assert "record of a thread" not in log
    assert log.count("[EH855]") == 1


def test_the_level_none_hides_all_records_and_output(start_host: StartHost, tmp_path: Path) -> None:
    log = run(start_host, tmp_path, {"default": "None"}, "--console", "func")
    for text in ("info of", "error record", "printed", "thread", "the end", "Executing", "EH85"):
        assert text not in log


def test_the_format_func_has_the_lines_of_core_tools(start_host: StartHost, tmp_path: Path) -> None:
    log = run(start_host, tmp_path, {"Function.One.User": "Error"}, "--console", "func")
    lines = [line.partition("] ")[2] for line in log.splitlines() if "Z] " in line]
    lines = [line for line in lines if "[EH" not in line]
    assert lines[0].startswith("Executing 'Functions.One' (Reason='This function was")
    assert sorted(lines[1:-1]) == ["error record", "printed", "record of a thread", "the end"]
    assert re.fullmatch(
        r"Executed 'Functions\.One' \(Succeeded, Id=[\w-]+, Duration=\d+ms\)", lines[-1]
    )
