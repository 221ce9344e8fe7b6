from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click import shell_completion

from tests.cli.calling import call
from tests.support.running_host import environment

IN_SHELL = {
    "bash": """
        eval "$(embedded-host completion bash)"
        COMP_WORDS=(embedded-host get-h) COMP_CWORD=1
        function=$(complete -p embedded-host | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        $function embedded-host get-h embedded-host
        echo "${COMPREPLY[@]}"
        """,
    "zsh": """
        compadd() { echo "$@" } ; compdef() { : } ; _describe() { print -l -- "${(@P)3}" }
        words=(embedded-host get-h) CURRENT=2
        eval "$(embedded-host completion zsh)"
        _embedded_host_completion
        """,
    "fish": "embedded-host completion fish | source; complete -C 'embedded-host get-h'",
}
"""The script that simulates the Tab key in each shell."""


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_names_the_program(shell: str) -> None:
    called = call("completion", shell)
    assert called.code == 0
    assert f"_EMBEDDED_HOST_COMPLETE={shell}_complete" in called.out


def test_powershell_depends_on_the_version_of_click(monkeypatch: pytest.MonkeyPatch) -> None:
    if shell_completion.get_completion_class("powershell"):
        called = call("completion", "powershell")
        assert (called.code, "Register-ArgumentCompleter" in called.out) == (0, True)
    monkeypatch.setattr(shell_completion, "get_completion_class", lambda shell: None)
    called = call("completion", "powershell")
    assert (called.code, called.out) == (1, "")
    assert "Upgrade click: pip install --upgrade click." in called.err


def completions(shell: str, words: str, number: int) -> list[str]:
    """Return the completions of the word at position ``number`` in ``words``, from 0."""
    variables = environment(
        _EMBEDDED_HOST_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD=str(number)
    )
    result = subprocess.run(
        [sys.executable, "-m", "embedded_host"], env=variables, capture_output=True, text=True
    )
    return result.stdout.splitlines()


@pytest.mark.process
def test_a_completion_request_of_a_shell_returns_matching_words() -> None:
    words = completions("zsh", "embedded-host get-", 1)
    assert {"get-history", "get-instances", "get-runtime-status"} <= set(words)
    assert "start" not in words
    assert completions("bash", "embedded-host entities li", 2) == ["plain,list"]
    assert completions("bash", "embedded-host completion z", 2) == ["plain,zsh"]
    assert completions("bash", "embedded-host get-instances --con", 2) == [
        "plain,--continuation-token",
        "plain,--connection-string-setting",
    ]
    assert completions("bash", "embedded-host start --script-root ", 3) == ["dir,"]


@pytest.mark.process
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_installed_shell_completes_a_command(shell: str) -> None:
    program = shutil.which(shell)
    if program is None or sys.platform == "win32" or (shell, sys.platform) == ("bash", "darwin"):
        pytest.skip(f"{shell} is not installed, or its version is not supported")
    result = subprocess.run(
        [program, "-c" if shell != "zsh" else "-fc", IN_SHELL[shell]],
        env=environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "get-history" in result.stdout, result


def test_an_unknown_shell_is_refused() -> None:
    assert call("completion", "csh").code == 2
