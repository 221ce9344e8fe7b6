"""Compiles shim.c, and plays its part outside the host's process: the clock, and the power cut."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from embedded_host.store.files import STATE_FILE

_SOURCE = Path(__file__).with_name("shim.c")
_HEAD = struct.Struct("=4q")
_FILES = (STATE_FILE, f"{STATE_FILE}-wal", f"{STATE_FILE}-journal", f"{STATE_FILE}.new")


def why_not() -> str | None:
    """Why there can be no shim here; None if there can."""
    if not sys.platform.startswith("linux"):
        return "LD_PRELOAD faults are Linux'"
    if not (shutil.which("cc") or shutil.which("gcc")):
        return "no C compiler to make the LD_PRELOAD shim with"
    return None


def compiled(folder: Path) -> Path:
    """The shared object, in ``folder``."""
    library = folder / "shim.so"
    compiler = shutil.which("cc") or shutil.which("gcc") or ""
    command = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-o",
        str(library),
        str(_SOURCE),
        "-ldl",
        "-lpthread",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"shim.c does not compile: {done.stderr}")
    return library


class ClockFile:
    """The time of day of a host and its workers, ``offset`` seconds from the true one. Without the shim: of the host's task hub."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 8)
        self.file = file
        self.offset = 0.0

    def jump(self, offset: float) -> None:
        self.offset = offset
        self._map[:8] = struct.pack("=q", int(offset * 1e9))

    def close(self) -> None:
        """Windows removes no file that somebody has open."""
        self._map.close()


def power_cut(state: Path, undo: Path, chance: random.Random) -> int:
    """Take back what was not synced when the process died: all of it, or each write by chance, as a disk may have got to any
    of them. How many writes that were."""
    unsynced: list[tuple[int, int, int, bytes]] = []
    log = undo.read_bytes() if undo.exists() else b""
    at = 0
    while at + _HEAD.size <= len(log):
        file, offset, there, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        if file < 0:
            unsynced = [record for record in unsynced if record[0] != -1 - file]
        else:
            unsynced.append((file, offset, size, log[at : at + there]))
            at += there
    undo.unlink(missing_ok=True)
    all_of_it = chance.random() < 0.5
    taken = [record for record in reversed(unsynced) if all_of_it or chance.random() < 0.5]
    for file, offset, size, old in taken:
        path = state / _FILES[file]
        if not path.exists():
            continue
        with path.open("r+b") as opened:
            opened.seek(offset)
            opened.write(old)
            if all_of_it:
                opened.truncate(size)
    return len(taken)


def environment(
    library: Path | None, *, fault: str = "", undo: Path | None = None, clock: Path | None = None
) -> dict[str, str]:
    """For a host under the shim; see shim.c. Without one the launcher moves the clock."""
    environ = {}
    if library:
        environ["LD_PRELOAD"] = os.pathsep.join(
            filter(None, [str(library), os.environ.get("LD_PRELOAD")])
        )
    if fault:
        environ["CRASH_FAULT"] = fault
    if undo:
        environ["CRASH_UNDO"] = str(undo)
    if clock:
        environ["CRASH_CLOCK"] = str(clock)
    return environ
