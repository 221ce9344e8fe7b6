from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)


def test_the_process_exits_despite_a_running_thread_and_flushes_its_output() -> None:
    ended = run(
        "import threading\n"
        "from embedded_worker.process_exit import end_process\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "print('output', end='')\n"
        "end_process(7)\n"
    )
    assert (ended.returncode, ended.stdout) == (7, "output")


def test_closed_streams_do_not_prevent_the_exit() -> None:
    code = (
        "import sys\nfrom embedded_worker.process_exit import end_process\n"
        "sys.stdout.close()\nend_process(3)"
    )
    assert run(code).returncode == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_exits_when_the_function_returns() -> None:
    ended = run(
        "import os\n"
        "from embedded_worker.process_exit import end_if_forked\n"
        "child = os.fork()\n"
        "end_if_forked('Forks')\n"
        "os.waitpid(child, 0)\n"
        "print('parent')\n"
    )
    assert (ended.returncode, ended.stdout) == (0, "parent\n")
    assert "The function 'Forks' called os.fork()" in ended.stderr
    assert "[EH334]" in ended.stderr
