"""A worker with SDK 1.x does not import the packages of SDK 2.x."""

from __future__ import annotations

import subprocess
import sys

import pytest

from embedded_worker.sdk import USES_DURABLETASK

LIST = """
import sys
import embedded_worker.runner
packages = ("durabletask", "grpc", "google", "embedded_worker.sdk2")
print([name for name in sys.modules if name.startswith(packages)])
"""


@pytest.mark.process
@pytest.mark.skipif(USES_DURABLETASK, reason="the tests run with SDK 2.x")
def test_a_worker_of_sdk_1_imports_nothing_of_sdk_2() -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIST], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"
