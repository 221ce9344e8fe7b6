"""The host on a full disk: a small file system that the test mounts, as root on Linux."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs root on Linux to mount a small tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_stops_the_host_and_all_acknowledged_instances_complete_later(
    tmp_path: Path, small_disk: Path
) -> None:
    app = AppFolder(tmp_path / "app")
    app.activity("Size", "return len(value)")
    app.orchestrator("Sizes", 'return (yield context.call_activity("Size", context.get_input()))')
    acknowledged = []
    with RunningHost(app.root, small_disk) as host:
        for number in range(500):
            input = json.dumps(json.dumps("x" * 20_000))
            try:
                response = host.post(
                    f"{MANAGEMENT}/orchestrators/Sizes/i-{number}",
                    input,
                    Content_Type="application/json",
                )
            except OSError:
                break
            if response.status != 202:
                assert response.status == 500
                break
            acknowledged.append(f"i-{number}")
        assert host.process.wait(20) == 1, host.log
        assert "disk is full" in host.log
        assert "Traceback" not in host.log
    assert len(acknowledged) > 5

    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    with RunningHost(app.root, small_disk) as host:

        def ended() -> bool:
            page = host.get(f"{MANAGEMENT}/instances?top=1000&showInput=false").json
            states = {one["instanceId"]: (one["runtimeStatus"], one["output"]) for one in page}
            assert set(acknowledged) <= set(states)
            return all(state == ("Completed", 20_000) for state in states.values())

        eventually(ended, "all acknowledged instances complete", 40)
