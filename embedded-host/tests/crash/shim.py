"""The compilation of shim.c, and the clock and power cuts, which work outside the host process."""

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


def reason_for_absence() -> str | None:
    """Return the reason why this system cannot use the shim, or None if it can."""
    if not sys.platform.startswith("linux"):
        return "LD_PRELOAD needs Linux"
    if not (shutil.which("cc") or shutil.which("gcc")):
        return "there is no C compiler"
    return None


def compiled(folder: Path) -> Path:
    """Compile the shim to a shared object in ``folder``. Raises RuntimeError."""
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
    """The file that sets the clock of a host and its workers ``offset`` seconds off the true time.

    Without the shim, it sets only the clock of the task hub.
    """

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 8)
        self.file = file
        self.offset = 0.0

    def jump(self, offset: float) -> None:
        """Set the offset in seconds."""
        self.offset = offset
        self._map[:8] = struct.pack("=q", int(offset * 1e9))

    def close(self) -> None:
        """Close the file. Windows does not delete an open file."""
        self._map.close()


def power_cut(state: Path, undo: Path, chance: random.Random) -> int:
    """Revert writes that were not synced at the end of the process, and return their number.

    Reverts all of these writes or a random choice, because a disk may write them in any order.
    """
    unsynced: list[tuple[int, int, int, bytes]] = []
    log = undo.read_bytes() if undo.exists() else b""
    position = 0
    while position + _HEAD.size <= len(log):
        file, offset, length, size = _HEAD.unpack_from(log, position)
        position += _HEAD.size
        if file < 0:
            unsynced = [record for record in unsynced if record[0] != -1 - file]
        else:
            unsynced.append((file, offset, size, log[position : position + length]))
            position += length
    undo.unlink(missing_ok=True)
    revert_all = chance.random() < 0.5
    reverted = [record for record in reversed(unsynced) if revert_all or chance.random() < 0.5]
    for file, offset, size, old in reverted:
        path = state / _FILES[file]
        if not path.exists():
            continue
        with path.open("r+b") as opened:
            opened.seek(offset)
            opened.write(old)
            if revert_all:
                opened.truncate(size)
    return len(reverted)


def environment(
    library: Path | None, *, fault: str = "", undo: Path | None = None, clock: Path | None = None
) -> dict[str, str]:
    """Return the environment variables of a host with the shim (see shim.c).

    Without the compiled library, the launcher sets the clock.
    """
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
