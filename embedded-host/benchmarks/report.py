"""The report of a run, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, figure
from benchmarks.peers import Peer
from benchmarks.sdk2 import PREFIX, compared_with_1x

_PACKAGES = (
    "azure-functions-embedded-host",
    "azure-functions",
    "azure-functions-durable",
    "aiohttp",
    "msgspec",
)


@dataclass
class Report:
    """The figures and peers of a run, and the machine that it ran on."""

    began: str
    """The start time in UTC, ISO 8601."""
    command: str
    machine: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    quick: bool = False
    """True for small sizes, to which the targets do not apply."""

    def add(self, figures: Iterable[Figure]) -> None:
        """Append figures."""
        self.figures += [
            replace(figure, target=None) if self.quick else figure for figure in figures
        ]

    def compare(self) -> None:
        """Append the figures that compare SDK 2.x with 1.x, and this host with the peers."""
        self.add(compared_with_1x({each.key: each for each in self.figures}))
        ours = {each.key: each for each in self.figures}.get("hello_per_second")
        theirs = next(
            (p.values.get("hello_per_second") for p in self.peers if p.name == "restate"), None
        )
        if ours and theirs:
            runs = [run / theirs for run in ours.runs]
            self.add(
                [
                    figure(
                        "against_restate",
                        "hello per second, compared with Restate in this run",
                        "x",
                        runs,
                    )
                ]
            )

    @property
    def missed(self) -> list[Figure]:
        """The figures that do not meet their targets."""
        return [each for each in self.figures if each.met is False]

    def json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "date": self.began,
            "command": self.command,
            "quick": self.quick,
            "machine": self.machine,
            "figures": {each.key: _figure_json(each) for each in self.figures},
            "missed": [each.key for each in self.missed],
            "peers": {peer.name: _peer_json(peer) for peer in self.peers},
        }

    def print(self, console: Console) -> None:
        """Print the report as tables."""
        console.print(self._table())
        if any(peer.values for peer in self.peers):
            console.print(self._peer_table())
        for peer in self.peers:
            if peer.problem:
                console.print(f"{peer.name}: {peer.problem}", style="yellow", markup=False)
        for note in self.machine["notes"]:
            console.print(f"Note: {note}", markup=False)
        if self.quick:
            console.print(
                "Note: --quick uses small sizes. Do not quote these figures. No target applies."
            )
            return
        with_target = [each for each in self.figures if each.target is not None]
        met = len(with_target) - len(self.missed)
        console.print(f"{met} of {len(with_target)} targets met.")

    def _table(self) -> Table:
        table = Table(
            title=f"{self.began}, {self.machine['cpus']} CPUs, Python {self.machine['python']}"
        )
        table.add_column("figure")
        for heading in ("median", "min..max", "unit", "target", "met"):
            table.add_column(
                heading, justify="left" if heading == "unit" else "right", no_wrap=True
            )
        for each in self.figures:
            spread = (
                f"{number(min(each.runs))}..{number(max(each.runs))}" if len(each.runs) > 1 else ""
            )
            title = f"{each.text} ({each.note})" if each.note else each.text
            target = "" if each.target is None else str(each.target)
            table.add_row(title, number(each.value), spread, each.unit, target, verdict(each))
        return table

    def _peer_table(self) -> Table:
        ours = {each.key: each for each in self.figures}
        measured = [peer for peer in self.peers if peer.values]
        table = Table(title="Comparison with the peers of the same run")
        table.add_column("figure")
        has_sdk_2 = any(key.startswith(PREFIX) for key in ours)
        own = ("embedded host", *(["with SDK 2.x"] if has_sdk_2 else []))
        for heading in (*own, *(peer.name for peer in measured)):
            table.add_column(heading, justify="right")
        for key in dict.fromkeys(key for peer in measured for key in peer.values):
            mine = ours.get(key)
            theirs = [number(peer.values[key]) if key in peer.values else "" for peer in measured]
            figures = [mine, *([ours.get(PREFIX + key)] if has_sdk_2 else [])]
            table.add_row(
                f"{mine.text}, {mine.unit}" if mine else key,
                *(number(each.value) if each else "" for each in figures),
                *theirs,
            )
        return table


def verdict(figure: Figure) -> str:
    """Return the text of the column ``met``."""
    return {True: "yes", False: "NO", None: ""}[figure.met]


def number(value: float) -> str:
    """Return a number with three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return (
        f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
        if abs(value) >= 1
        else f"{value:.3f}"
    )


def machine(python: Path, folder: Path) -> dict[str, Any]:
    """Describe the machine and the software. ``folder`` is the parent of the state folders."""
    system = _file_system(folder)
    notes = []
    if system in ("tmpfs", "ramfs"):
        notes.append(
            f"{folder} is in memory ({system}), so the figures do not include the cost of a disk."
        )
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        notes.append(
            "PYTHONDONTWRITEBYTECODE is set, so modules without cached bytecode are compiled at "
            "each start."
        )
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "file_system": system,
        "load_at_start": [round(load, 2) for load in psutil.getloadavg()],
        "python": _python_version(python),
        "versions": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
        "notes": notes,
    }


def _python_version(python: Path) -> str:
    code = "import platform; print(platform.python_version())"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), ""
    )


def _file_system(folder: Path) -> str:
    mounted = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next(
        (
            mounted[parent]
            for parent in (folder.resolve(), *folder.resolve().parents)
            if parent in mounted
        ),
        "",
    )


def _commit() -> str:
    """Return the id of the commit. It ends with ``+`` if there are uncommitted changes."""
    try:
        git = [
            "git",
            "-C",
            str(Path(__file__).parent),
            "describe",
            "--always",
            "--dirty=+",
            "--abbrev=12",
        ]
        return subprocess.run(git, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "text": figure.text,
        "unit": figure.unit,
        "median": figure.value,
        "min": min(figure.runs),
        "max": max(figure.runs),
        "runs": _thinned(figure.runs),
        "target": None if figure.target is None else str(figure.target),
        "met": figure.met,
        "note": figure.note,
    }


def _thinned(runs: Sequence[float]) -> list[float]:
    """Return the runs in order, or a selection of them if there are more than a hundred."""
    return [round(run, 4) for run in runs[:: -(-len(runs) // 100)]]


def _peer_json(peer: Peer) -> dict[str, Any]:
    return {"problem": peer.problem, "values": peer.values, "raw": peer.raw}
