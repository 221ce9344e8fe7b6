"""Tests of dev.py on an empty machine with a Python that is newer than this machine's.

The machine is a folder tree of Debian forky, which contains Python 3.14 and 3.15. The tests need
root on Linux and about five minutes, so `-m forky` selects them. They use the last commit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import eventually, final_status, request
from tests.container.engine import fastest_folder

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.14", "3.15")
MESSAGE = "Hello World! from Linux operating system on 64bit ELF architecture in local enviroment"
PACKAGES = ("ca-certificates", *(f"python{each}{end}" for each in PYTHONS for end in ("", "-venv")))
OWN = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""The files of this machine that a connection to the package index may need."""
NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c")
"""The command that removes the mounts and the processes of its shell command at its end."""
ENTER = """
mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && cd / || exit 99
exec chroot "$0" sh -c 'cd "$0" && exec "$@"' "$@"
"""


class Machine:
    """An empty machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, python: str, *arguments: str, output: Path) -> subprocess.Popen[bytes]:
        """Start dev.py in a clone of the repository. The first start with a Python creates it."""
        clone = f"/srv/hello-{python}"
        if not (self._folder / clone[1:]).exists():
            subprocess.run(
                ["git", "clone", "--quiet", str(ROOT), str(self._folder / clone[1:])], check=True
            )
        command = [f"python{python}", "dev.py", *arguments]
        proxies = {key: os.environ[key] for key in os.environ if key.lower().endswith("_proxy")}
        with output.open("wb") as file:
            return subprocess.Popen(
                [*NAMESPACE, ENTER, str(self._folder), clone, *command],
                env={"HOME": "/root", "PATH": os.defpath + ":/usr/sbin:/sbin", **proxies},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.fail("an empty machine needs Linux, root and the program mmdebstrap")
    with tempfile.TemporaryDirectory(
        prefix="forky-", dir=fastest_folder(), ignore_cleanup_errors=True
    ) as folder:
        tree = Path(folder, "tree")
        options = ["--variant=minbase", "--quiet", f"--include={','.join(PACKAGES)}"]
        # The release files of a mirror may be older than their validity.
        options += ['--aptopt=Acquire::Check-Valid-Until "false"', "--dpkgopt=force-unsafe-io"]
        options += [f'--customize-hook=cp {own} "$1"{own}' for own in OWN if Path(own).exists()]
        subprocess.run(
            ["mmdebstrap", *options, "forky", str(tree)],
            env={**os.environ, "TMPDIR": folder},
            check=True,
            timeout=600,
        )
        yield Machine(tree)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_hello_runs_on_an_empty_machine(machine: Machine, python: str, tmp_path: Path) -> None:
    output = tmp_path / "log"

    def log() -> str:
        return output.read_text(encoding="utf-8", errors="replace")

    with machine.start(python, "start", "--port", "0", output=output) as process:
        try:

            def url() -> re.Match[str] | None:
                assert process.poll() is None, log()
                return re.search(r"Ready at (http://\S+)", log())

            base = eventually(url, "the host is ready", 300)[1]
            started = request("GET", f"{base}/api/orchestrators/hello_orchestrator")
            assert final_status(started.json)["output"] == MESSAGE
        finally:
            process.kill()
    clone = re.escape(f"/srv/hello-{python}")
    app = rf"^Python {python}\.\d+, azure-functions .*: {clone}/\.venv/bin/python \(\.venv in the"
    assert re.search(app, log(), re.MULTILINE), log()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_unit_tests_pass_on_an_empty_machine(
    machine: Machine, python: str, tmp_path: Path
) -> None:
    output = tmp_path / "log"
    with machine.start(python, "test", "-m", "unit", "-q", "--color=no", output=output) as process:
        try:
            code = process.wait(900)
        finally:
            process.kill()
    text = output.read_text(encoding="utf-8", errors="replace")
    print(*text.splitlines()[-4:], sep="\n")
    assert code == 0, text[-10_000:]
