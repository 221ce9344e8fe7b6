from __future__ import annotations

import subprocess
import sys

import pytest

from tests.embedded_host.cli.calling import call
from tests.support.running_host import environment


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(shell: str) -> None:
    called = call("completion", shell)
    assert called.code == 0
    assert f"_EMBEDDED_HOST_COMPLETE={shell}_complete" in called.out


def test_powershell_where_click_can() -> None:
    called = call("completion", "powershell")
    assert called.code == 0 or "upgrade it" in called.err


def test_what_the_shell_asks() -> None:
    asked = environment(_EMBEDDED_HOST_COMPLETE="zsh_complete", COMP_WORDS="embedded-host get-", COMP_CWORD="1")
    found = subprocess.run([sys.executable, "-m", "embedded_host"], env=asked, capture_output=True, text=True)
    words = found.stdout.split()
    assert {"get-history", "get-instances", "get-runtime-status"} <= set(words)
    assert "start" not in words


def test_another_shell() -> None:
    assert call("completion", "csh").code == 2
