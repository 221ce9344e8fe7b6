"""The environment variables of a worker."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from embedded_worker.worker_environment import THREAD_COUNT, add_worker_variables


def test_the_variables_of_the_functions_host_are_added() -> None:
    environ: dict[str, str] = {}
    add_worker_variables(environ)
    version = ".".join(platform.python_version_tuple()[:2])
    assert environ["FUNCTIONS_WORKER_RUNTIME_VERSION"] == version
    assert (Path(environ["FUNCTIONS_WORKER_DIRECTORY"]) / "embedded_worker").is_dir()
    assert environ[THREAD_COUNT] == "1000"


@pytest.mark.parametrize(("given", "count"), [("8", "8"), ("", "1000")])
def test_a_thread_count_is_kept_unless_it_is_empty(given: str, count: str) -> None:
    environ = {THREAD_COUNT: given, "FUNCTIONS_WORKER_RUNTIME_VERSION": "3.9"}
    add_worker_variables(environ)
    assert environ[THREAD_COUNT] == count
    assert environ["FUNCTIONS_WORKER_RUNTIME_VERSION"] == "3.9"
