"""Install and start a Docker engine for one test run, and remove it afterwards.

Its data is in one folder. Its containers, networks, mounts, bridge and packet filter rules are
removed with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.container.network_state import NetworkState

APT = ("docker.io", "mmdebstrap")
PLUGINS = ("docker-compose", "docker-buildx")
"""The binaries of compose v2 and buildx from Debian 13, which Debian 12 does not package."""


class CommandError(Exception):
    """A command failed. The message has the last lines of its output."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 600,
    input: bytes | None = None,
) -> str:
    """Return the standard output of a command. Raises CommandError."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            input=input,
            stdin=None if input is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            f"not done after {seconds} s: {error.cmd}\n{(error.stderr or b'').decode()[-3000:]}"
        ) from None
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    if done.returncode != 0:
        raise CommandError(
            f"exit code {done.returncode}: {' '.join(map(str, command))}\n{out[-3000:]}\n"
            f"{err[-3000:]}"
        )
    return out


def fastest_folder() -> str | None:
    """Return a folder in memory if 8 GiB are free, because a disk removes many files slowly."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        return None
    available = (
        int(
            Path("/proc/meminfo")
            .read_text(encoding="ascii")
            .partition("MemAvailable:")[2]
            .split()[0]
        )
        * 1024
    )
    return str(memory) if min(shutil.disk_usage(memory).free, available) > 8 * 2**30 else None


class Engine:
    """Use an engine. ``environment`` has the variables with its address for the docker command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._network: NetworkState | None = None
        self.environment = {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_CONFIG": str(folder / "config"),
            "DOCKER_BUILDKIT": "1",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        }

    def install(self) -> None:
        """Install the missing packages. Raises CommandError."""
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        if not all(map(shutil.which, ("dockerd", "mmdebstrap"))):
            run(["apt-get", "update", "-q"], environment=quiet)
            run(
                ["apt-get", "install", "-y", "-q", "--no-install-recommends", *APT],
                environment=quiet,
            )
        if shutil.which("docker") is None:  # a separate package in Debian 13
            run(
                ["apt-get", "install", "-y", "-q", "--no-install-recommends", "docker-cli"],
                environment=quiet,
            )
        self._install_plugins()

    def start(self, seconds: float = 30) -> None:
        self._network = NetworkState()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM"),  # stops the engine if the tests are killed
                    "dockerd",
                    f"--host={self.environment['DOCKER_HOST']}",
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/dockerd.pid",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,  # only the tests receive Ctrl+C; they stop the engine
            )
        end = time.monotonic() + seconds
        while True:
            try:
                run(["docker", "info"], environment=self.environment, seconds=10)
                return
            except CommandError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    text = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
                    raise CommandError(f"dockerd does not response: {error}\n{text}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop the containers and the engine, and remove their remains."""
        if self._process is None:
            return
        with contextlib.suppress(CommandError):
            self._remove(["ps", "--all"], ["rm", "--force", "--volumes"])
            self._remove(["network", "ls", "--filter=type=custom"], ["network", "rm"])
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        for mount in sorted((line.split()[1] for line in mounts), reverse=True):
            if mount.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        assert self._network is not None
        self._network.restore()

    def _remove(self, list_them: list[str], remove: list[str]) -> None:
        names = run(["docker", *list_them, "--quiet"], environment=self.environment).split()
        if names:
            run(["docker", *remove, *names], environment=self.environment)

    def _install_plugins(self) -> None:
        wanted = self.folder / "config" / "cli-plugins"
        wanted.mkdir(parents=True)
        with contextlib.suppress(CommandError):
            for plugin in ("compose", "buildx"):
                run(["docker", plugin, "version"])
            for place in (
                "/usr/libexec/docker",
                "/usr/lib/docker",
                "/usr/local/lib/docker",
                "/usr/local/libexec/docker",
            ):
                for file in Path(place, "cli-plugins").glob("docker-*"):
                    (wanted / file.name).symlink_to(file)
            return
        _debian_13(self.folder / "apt", PLUGINS)
        for file in (self.folder / "apt").glob("x/usr/libexec/docker/cli-plugins/docker-*"):
            shutil.copy2(file, wanted)


def _debian_13(folder: Path, packages: Sequence[str]) -> None:
    """Unpack packages of Debian 13 into ``folder/x``, from this machine's mirror."""
    for name in ("lists/partial", "archives/partial", "sources", "x"):
        (folder / name).mkdir(parents=True)
    sources = (
        Path("/etc/apt/sources.list.d/debian.sources").read_text(encoding="utf-8").split("\n\n")
    )
    first = next(stanza for stanza in sources if "URIs:" in stanza)
    lines = [
        "Suites: trixie" if line.startswith("Suites:") else line for line in first.splitlines()
    ]
    (folder / "sources" / "debian.sources").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache::archives": folder / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
    }
    apt = [
        "apt-get",
        *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
    ]
    run([*apt, "update", "-q"])
    run([*apt, "download", "-q", *packages], cwd=folder)
    for package in folder.glob("*.deb"):
        run(["dpkg-deb", "-x", package, folder / "x"])
