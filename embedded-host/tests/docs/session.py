"""A session that runs the commands of a page in an empty folder and checks their output.

Commands of ``embedded-host`` run in this process, except ``start`` and ``scheduler``, which start a
process. The scheduler of a page runs until the end of the page.
The lines below a line with ``$`` are the expected output; ``…`` matches any text. If the comment
of a command contains "when the host has stopped", the session stops the host first.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from embedded_host.cli import host_search
from embedded_host.cli.commands import run
from tests.scheduler.kit import SchedulerProcess
from tests.support.running_host import FINAL, MANAGEMENT, RunningHost, http

TIMEOUT = 15.0
"""Seconds within which a command that only reads must print the output that the page shows.

Until then, the command is repeated.
"""
READS = (
    "get-",
    "diagnose",
    "tree",
    "timeline",
    "functions",
    "entities list",
    "entities get",
    "explain",
    "curl",
)
STOPPED = "when the host has stopped"


@dataclass(frozen=True)
class Step:
    command: str
    comment: str
    shown: tuple[str, ...]


def steps(lines: list[str]) -> list[Step]:
    """Return the steps of a block with ``$`` lines."""
    found: list[Step] = []
    for line in lines:
        if line.startswith("$ "):
            command, comment = split_comment(line[2:])
            found.append(Step(command, comment, ()))
        else:
            last = found[-1]
            found[-1] = Step(last.command, last.comment, (*last.shown, line))
    return found


def split_comment(line: str) -> tuple[str, str]:
    """Split a line at the first ``#`` after two spaces, into a command and a comment."""
    command, _, comment = line.partition("  #")
    return command.strip(), comment.strip()


class ShellSession:
    def __init__(self, folder: Path) -> None:
        self.home = self.folder = folder
        self.host: RunningHost | None = None
        self.scheduler: SchedulerProcess | None = None
        self._is_borrowed = False
        self.printed: list[str] = []
        """The normalized output lines of all commands."""
        self._unused = socket.socket()
        self._unused.bind(("127.0.0.1", 0))  # reserve a port on which no host listens

    @property
    def port(self) -> int:
        """The port of the host. Without a host, a port on which no program listens."""
        return self.host.port if self.host else int(self._unused.getsockname()[1])

    def start(self, root: Path, *options: str) -> RunningHost:
        self.host = RunningHost(root, root / ".embedded-host", *options)
        return self.host

    def borrow(self, host: RunningHost) -> None:
        """Use a host that other pages use too. The session does not stop this host."""
        self.host, self._is_borrowed = host, True

    def close(self) -> None:
        if not self._is_borrowed:
            self.stop()
        if self.scheduler is not None:
            self.scheduler.kill()
        self._unused.close()

    def stop(self) -> None:
        if self.host is not None:
            host, self.host = self.host, None
            assert host.stop() == 0, host.log
            host.kill()

    # -- files -------------------------------------------------------------------------------------

    def write(self, file: str, lines: list[str]) -> None:
        """Create a file of the page, or append a snippet to an existing Python file.

        Any other existing file must have the same content, for example a file that init created.
        """
        path, text = self.folder / file, "\n".join(lines) + "\n"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        if path.suffix != ".py" and path.read_text(encoding="utf-8") == text:
            return
        assert path.suffix == ".py", f"{file} exists with other content"
        with path.open("a", encoding="utf-8") as module:
            module.write("\n\n" + "\n".join(lines) + "\n")

    # -- commands ----------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Run one command. Raises AssertionError if the exit code or the output differs."""
        if STOPPED in step.comment:
            self.stop()
        shown = list(step.shown)
        reads = step.command.removeprefix("embedded-host ").startswith(READS)
        if not reads:
            self._settle()
        until = time.monotonic() + TIMEOUT
        while True:
            code, output = self.run(step.command)
            wrong = self._wrong(code, output, shown)
            if not wrong or not reads or time.monotonic() > until:
                break
            time.sleep(0.1)
        self.printed += [self.plain(line) for line in output.splitlines()]
        assert not wrong, f"$ {step.command}\n{wrong}"

    def run(self, command: str) -> tuple[int, str]:
        words = shlex.split(command)
        if "|" in words:
            words = words[: words.index("|")]
        if words[0] == "cd":
            self.folder = self.folder / words[1]
            return 0, ""
        if words[0] == "mkdir":
            (self.folder / words[1]).mkdir()
            return 0, ""
        if words[0] == "curl":  # curl may not be installed
            assert words[1:2] == ["-s"], f"this test supports curl with -s only: {command}"
            return 0, http("GET", words[2].replace(":7071", f":{self.port}")).text
        if words[:3] == ["python", "-m", "pytest"]:
            return self._pytest(words[3:])
        assert words[0] == "embedded-host", f"this test cannot run the command: {command}"
        words = [re.sub(r"localhost:7071", f"localhost:{self.port}", word) for word in words[1:]]
        if words[0] == "start":
            self.stop()
            return 0, self.start(self.folder, *words[1:]).log
        if words[0] == "scheduler":
            return 0, self._start_scheduler(words[1:])
        return self._call(words)

    def _start_scheduler(self, options: list[str]) -> str:
        """Start a scheduler on free ports. Return its output with the ports of the page."""
        values = dict(zip(options[::2], options[1::2], strict=True))
        assert values.keys() <= {"--port", "--state"}, values
        state = self.folder / values.get("--state", ".embedded-scheduler")
        self.scheduler = SchedulerProcess(state)
        self.scheduler.start()
        output = self.scheduler.output.replace(str(self.scheduler.port), "8080")
        return output.replace(str(self.scheduler.dashboard_port), "8082")

    def _call(self, arguments: list[str]) -> tuple[int, str]:
        """Run a command of embedded-host in this process. Return its exit code and output."""
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                mock.patch.object(sys, "argv", ["embedded-host", *arguments]),
                mock.patch.object(host_search, "DEFAULT_PORT", self.port),
                contextlib.redirect_stdout(stream),
                contextlib.redirect_stderr(stream),
            ):
                code = run()
        finally:
            os.chdir(before)
        return code, raw.getvalue().decode()

    def _pytest(self, arguments: list[str]) -> tuple[int, str]:
        """Run pytest with only the plugins that a reader of the page has installed."""
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTEST_ADDOPTS", None)
        plugins = ["-p", "embedded_host.testing.plugin", "-p", "pytest_asyncio.plugin"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, "-q", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=110,
        )
        return done.returncode, done.stdout

    def _settle(self) -> None:
        """Wait until each instance has finished, is suspended or awaits an event.

        The next command expects this state.
        """
        if self.host is None:
            return
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            response = self.host.get(f"{MANAGEMENT}/instances?showInput=false")
            if response.status == 401:
                return  # the host requires a key, and the page has not started an instance on it
            found = response.json
            if all(self._rests(i["instanceId"]) for i in found if i["runtimeStatus"] not in FINAL):
                return
            time.sleep(0.05)
        raise AssertionError(f"still running: {found}\n{self.host.log}")

    def _rests(self, instance_id: str) -> bool:
        assert self.host is not None
        if instance_id.startswith("@"):
            return True
        response = self.host.get(f"{MANAGEMENT}/instances/{instance_id}?showDiagnosis=true")
        status = json.loads(response.text)
        waits = (status.get("diagnosis") or {}).get("waitsFor") or []
        return status["runtimeStatus"] == "Suspended" or any(
            wait["kind"] == "event" for wait in waits
        )

    # -- comparison with the page ------------------------------------------------------------------

    def missing(self, lines: list[str]) -> str:
        """Return the lines that no command has printed and that do not appear in the host's log."""
        until = time.monotonic() + TIMEOUT
        while True:
            printed = [*self.printed]
            if self.host:
                printed += [self.plain(line) for line in self.host.log.splitlines()]
            missing = [
                line
                for line in lines
                if line.strip() and not any(fits(plain(line), p) for p in printed)
            ]
            if not missing or time.monotonic() > until:
                return "\n".join(missing)
            time.sleep(0.1)

    def _wrong(self, code: int, output: str, shown: list[str]) -> str:
        fails = any(line.startswith("Error: ") for line in shown)
        if (code != 0) is not fails:
            return f"exit code {code}:\n{output}"
        expected = without_empty([plain(line) for line in shown])
        printed = without_empty([self.plain(line) for line in output.splitlines()])
        unprefixed = [line for line in printed if not re.match("(Host|State|App): ", line)]
        if not expected or fit(expected, printed) or fit(expected, unprefixed):
            return ""
        return "the page has:\n  " + "\n  ".join(expected) + "\nprinted:\n  " + "\n  ".join(printed)

    def plain(self, line: str) -> str:
        for real in {str(self.home), str(self.home.resolve())}:
            line = line.replace(real, "/home/ada")
        # The reader is in the app folder, but a borrowed host runs the app of another folder.
        line = re.sub(r"^(Host: \S+) \(app .*\)$", r"\1", line)
        return plain(re.sub(rf":{self.port}\b", ":7071", line))


def plain(line: str) -> str:
    """Replace the parts that differ in each run: times, ids, durations, widths."""
    for pattern, replacement in (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\b[0-9a-f]{32}\b", "<id>"),
        (r"\b\d+(\.\d+)? ?(ms|s)\b", "<n>"),
        (r"process id \d+", "process id <n>"),
        (r"[█░◆◇┄]+", "<bar>"),  # a step that waited begins with ┄
        (r"\\", "/"),
        (r"\s+", " "),
    ):
        line = re.sub(pattern, replacement, line)
    return line.strip()


def fits(shown: str, printed: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), printed) is not None


def fit(shown: list[str], printed: list[str]) -> bool:
    """Compare line by line. A line ``…`` matches any number of lines."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(fit(shown[1:], printed[at:]) for at in range(len(printed) + 1))
    return bool(printed) and fits(shown[0], printed[0]) and fit(shown[1:], printed[1:])


def without_empty(lines: list[str]) -> list[str]:
    return [line for line in lines if line]
