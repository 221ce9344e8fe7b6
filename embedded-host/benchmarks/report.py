"""What a run came to, as a table for people and as JSON."""

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

_PACKAGES = (
    "azure-functions-embedded-host",
    "azure-functions",
    "azure-functions-durable",
    "aiohttp",
    "msgspec",
)


@dataclass
class Report:
    began: str
    command: str
    machine: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    quick: bool = False
    """Sizes are not those of the targets: nothing is held to them."""

    def add(self, figures: Iterable[Figure]) -> None:
        self.figures += [replace(found, target=None) if self.quick else found for found in figures]

    def compare(self) -> None:
        """Add what follows from the peers of this run."""
        ours = {found.key: found for found in self.figures}.get("hello_per_second")
        theirs = next(
            (p.values.get("hello_per_second") for p in self.peers if p.name == "restate"), None
        )
        if ours and theirs:
            runs = [run / theirs for run in ours.runs]
            self.add(
                [
                    figure(
                        "against_restate",
                        "hello per second, against Restate in this run",
                        "x",
                        runs,
                    )
                ]
            )

    @property
    def missed(self) -> list[Figure]:
        return [found for found in self.figures if found.met is False]

    def json(self) -> dict[str, Any]:
        return {
            "date": self.began,
            "command": self.command,
            "quick": self.quick,
            "machine": self.machine,
            "figures": {found.key: _figure_json(found) for found in self.figures},
            "missed": [found.key for found in self.missed],
            "peers": {peer.name: _peer_json(peer) for peer in self.peers},
        }

    def print(self, console: Console) -> None:
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
                "Note: small sizes (--quick), so these are no figures to quote, and are held to no target."
            )
            return
        held = [found for found in self.figures if found.target is not None]
        console.print(f"{len(held) - len(self.missed)} of {len(held)} targets met.")

    def _table(self) -> Table:
        table = Table(
            title=f"{self.began}, {self.machine['cpus']} CPUs, Python {self.machine['python']}"
        )
        table.add_column("what")
        for heading in ("median", "min..max", "unit", "target", "met"):
            table.add_column(
                heading, justify="left" if heading == "unit" else "right", no_wrap=True
            )
        for found in self.figures:
            spread = (
                f"{number(min(found.runs))}..{number(max(found.runs))}"
                if len(found.runs) > 1
                else ""
            )
            text = f"{found.text} ({found.note})" if found.note else found.text
            target = "" if found.target is None else str(found.target)
            table.add_row(text, number(found.value), spread, found.unit, target, verdict(found))
        return table

    def _peer_table(self) -> Table:
        ours = {found.key: found for found in self.figures}
        measured = [peer for peer in self.peers if peer.values]
        table = Table(title="beside the peers, in the same run")
        table.add_column("what")
        for heading in ("embedded host", *(peer.name for peer in measured)):
            table.add_column(heading, justify="right")
        for key in dict.fromkeys(key for peer in measured for key in peer.values):
            mine = ours.get(key)
            theirs = [number(peer.values[key]) if key in peer.values else "" for peer in measured]
            table.add_row(
                f"{mine.text}, {mine.unit}" if mine else key,
                number(mine.value) if mine else "",
                *theirs,
            )
        return table


def verdict(found: Figure) -> str:
    return {True: "yes", False: "NO", None: ""}[found.met]


def number(value: float) -> str:
    """Three digits that count."""
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
    """Where and with what was measured; ``folder`` holds the states."""
    system = _file_system(folder)
    notes = []
    if system in ("tmpfs", "ramfs"):
        notes.append(
            f"{folder} is in memory ({system}), so what the disk costs is not in these figures."
        )
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        notes.append(
            "PYTHONDONTWRITEBYTECODE is set: modules without cached bytecode are compiled at every start."
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
            mounted[place]
            for place in (folder.resolve(), *folder.resolve().parents)
            if place in mounted
        ),
        "",
    )


def _commit() -> str:
    """With a + if there are changes that are in no commit."""
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


def _figure_json(found: Figure) -> dict[str, Any]:
    return {
        "text": found.text,
        "unit": found.unit,
        "median": found.value,
        "min": min(found.runs),
        "max": max(found.runs),
        "runs": _thinned(found.runs),
        "target": None if found.target is None else str(found.target),
        "met": found.met,
        "note": found.note,
    }


def _thinned(runs: Sequence[float]) -> list[float]:
    """Hundreds of runs say no more than a hundred of them, in order."""
    return [round(run, 4) for run in runs[:: -(-len(runs) // 100)]]


def _peer_json(peer: Peer) -> dict[str, Any]:
    return {"problem": peer.problem, "values": peer.values, "raw": peer.raw}
