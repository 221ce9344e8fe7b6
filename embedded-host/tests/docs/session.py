"""Runs a page's commands in order, in a folder of its own, and holds what the page shows against what is printed.

A command of ``embedded-host`` runs in this process, which is quick; ``start`` runs a host. A line that begins with ``$`` is followed
by what it prints; ``…`` stands for anything. A trailing comment may say that the host has stopped."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from embedded_host.cli import target
from embedded_host.cli.commands import run
from tests.support.running_host import FINAL, MANAGEMENT, RunningHost, http

PATIENCE = 15.0
"""Seconds until a command that only looks has to show what the page shows."""
LOOKS = (
    "get-",
    "diagnose",
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
    """Of a block with ``$``."""
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
    """A comment begins with a ``#`` behind two blanks."""
    command, _, comment = line.partition("  #")
    return command.strip(), comment.strip()


class ShellSession:
    def __init__(self, folder: Path) -> None:
        self.home = self.folder = folder
        self.host: RunningHost | None = None
        self._is_borrowed = False
        self.printed: list[str] = []
        """By all commands so far: lines, plain."""
        self._unused = socket.socket()
        self._unused.bind(
            ("127.0.0.1", 0)
        )  # and it does not listen: nobody answers there, and nobody else takes it

    @property
    def port(self) -> int:
        """Where commands look for a host; nobody listens there if there is none."""
        return self.host.port if self.host else int(self._unused.getsockname()[1])

    def start(self, root: Path, *options: str) -> RunningHost:
        self.host = RunningHost(root, root / ".embedded-host", *options)
        return self.host

    def borrow(self, host: RunningHost) -> None:
        """Ask a host that others ask too, and that goes on."""
        self.host, self._is_borrowed = host, True

    def close(self) -> None:
        if not self._is_borrowed:
            self.stop()
        self._unused.close()

    def stop(self) -> None:
        if self.host is not None:
            host, self.host = self.host, None
            assert host.stop() == 0, host.log
            host.kill()

    # -- commands ----------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Run one command. Raises AssertionError for an exit code or an output that the page does not show."""
        if STOPPED in step.comment:
            self.stop()
        shown = list(step.shown)
        looks = step.command.removeprefix("embedded-host ").startswith(LOOKS)
        if not looks:
            self._settle()
        until = time.monotonic() + PATIENCE
        while True:
            code, output = self.run(step.command)
            wrong = self._wrong(code, output, shown)
            if not wrong or not looks or time.monotonic() > until:
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
        if words[0] == "curl":
            assert words[1:2] == ["-s"], f"the test does not know how to run: {command}"
            return 0, http(
                "GET", words[2].replace(":7071", f":{self.port}")
            ).text  # not every machine has curl
        assert words[0] == "embedded-host", f"the test does not know how to run: {command}"
        words = [re.sub(r"localhost:7071", f"localhost:{self.port}", word) for word in words[1:]]
        if words[0] == "start":
            self.stop()
            return 0, self.start(self.folder, *words[1:]).log
        return self._call(words)

    def _call(self, arguments: list[str]) -> tuple[int, str]:
        """One of the command line's, both streams as they come."""
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                mock.patch.object(sys, "argv", ["embedded-host", *arguments]),
                mock.patch.object(target, "DEFAULT_PORT", self.port),
                contextlib.redirect_stdout(stream),
                contextlib.redirect_stderr(stream),
            ):
                code = run()
        finally:
            os.chdir(before)
        return code, raw.getvalue().decode()

    def _settle(self) -> None:
        """Wait until what runs is over, or waits for an event: what comes next counts on it."""
        if self.host is None:
            return
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self.host.get(f"{MANAGEMENT}/instances?showInput=false")
            if answer.status == 401:
                return  # it asks for keys, and nothing has been started since it was
            found = answer.json
            if all(self._rests(i["instanceId"]) for i in found if i["runtimeStatus"] not in FINAL):
                return
            time.sleep(0.05)
        raise AssertionError(f"still running: {found}\n{self.host.log}")

    def _rests(self, instance_id: str) -> bool:
        assert self.host is not None
        if instance_id.startswith("@"):
            return True
        answer = self.host.get(f"{MANAGEMENT}/instances/{instance_id}?showDiagnosis=true")
        status = json.loads(answer.text)
        waits = (status.get("diagnosis") or {}).get("waitsFor") or []
        return status["runtimeStatus"] == "Suspended" or any(
            wait["kind"] == "event" for wait in waits
        )

    # -- what is shown -----------------------------------------------------------------------------

    def shows(self, lines: list[str]) -> str:
        """What is wrong with lines that stand by themselves: each must have been printed, or be in the host's log soon."""
        until = time.monotonic() + PATIENCE
        while True:
            printed = [*self.printed]
            printed += (
                [self.plain(line) for line in self.host.log.splitlines()] if self.host else []
            )
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
            return f"ended with {code}:\n{output}"
        expected = [plain(line) for line in shown]
        printed = [self.plain(line) for line in output.splitlines()]
        without = [line for line in printed if not re.match("(Host|State|App): ", line)]
        if (
            not any(expected)
            or fit(_whole(expected), _whole(printed))
            or fit(_whole(expected), _whole(without))
        ):
            return ""
        return (
            "the page shows:\n  "
            + "\n  ".join(_whole(expected))
            + "\nprinted was:\n  "
            + "\n  ".join(_whole(printed))
        )

    def plain(self, line: str) -> str:
        for real in {str(self.home), str(self.home.resolve())}:
            line = line.replace(real, "/home/ada")
        return plain(re.sub(rf":{self.port}\b", ":7071", line))


def plain(line: str) -> str:
    """Without what differs each time: times, ids, durations, widths."""
    for pattern, instead in (
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\b[0-9a-f]{32}\b", "<id>"),
        (r"\b\d+(\.\d+)? (ms|s)\b", "<n>"),
        (r"process id \d+", "process id <n>"),
        (r"[█░◆]+", "<bar>"),
        (r"\\", "/"),
        (r"\s+", " "),
    ):
        line = re.sub(pattern, instead, line)
    return line.strip()


def fits(shown: str, printed: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), printed) is not None


def fit(shown: list[str], printed: list[str]) -> bool:
    """Line by line; a line of ``…`` is any number of them."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(fit(shown[1:], printed[at:]) for at in range(len(printed) + 1))
    return bool(printed) and fits(shown[0], printed[0]) and fit(shown[1:], printed[1:])


def _whole(lines: list[str]) -> list[str]:
    return [line for line in lines if line]
