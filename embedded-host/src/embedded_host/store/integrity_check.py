"""Whether a state file is sound, asked when the host before did not close it.

A process that is killed leaves a file that is whole: what it had written is in the system's cache. A machine that goes down may
not, if its disk promises more than it does. Which of the two it was nobody says, so after either the file is looked through
(``integrity_check``, indexes included: about 1 s for 100,000 finished instances, 229 MB) while the host starts, and on beside it.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from embedded_host.store.error_messages import damaged, in_words
from embedded_host.store.interface import StateError
from embedded_host.store.log_format import HEAD, frames, log_of, read_head, size_of

log = logging.getLogger("embedded_host.store")


def was_left_open(path: Path) -> bool:
    """To be asked before it is opened: SQLite removes the log when it closes a file."""
    return size_of(log_of(path)) > 0


class IntegrityCheck:
    """``begin`` looks in a thread; ``found`` says what is wrong as soon as it is known, ``on_damage`` is told at once."""

    def __init__(self, path: Path, on_damage: Callable[[StateError], object]) -> None:
        self._path, self._on_damage = path, on_damage
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
        self._thread = threading.Thread(target=self._look, name="soundness-check", daemon=True)
        self._closing = False
        self.error: StateError | None = None
        self.is_over = False

    def begin(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """A check that runs is broken off."""
        self._closing = True
        while self._thread.is_alive():  # more than once: what has not begun yet is not broken off
            self._connection.interrupt()
            self._thread.join(0.02)
        self._connection.close()

    def _look(self) -> None:
        try:
            self._connection.execute("PRAGMA query_only = ON")
            found = self._connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            error: StateError | None = None if found == "ok" else damaged(self._path, _one_line(found))
        except (sqlite3.Error, UnicodeError) as failure:
            error = None if self._closing else in_words(self._path, failure, "read")
        self.error, self.is_over = error, True
        if error is not None and not self._closing:
            self._on_damage(error)


def _one_line(text: str) -> str:
    return "; ".join(line for line in text.splitlines() if not line.startswith("***")) or text


def check_log(path: Path) -> bool:
    """Whether a commit that is not whole stands at the log's end; the log is to be begun anew then, or two would look like damage.

    To be asked before a file that was left open is opened for writing, which would throw away what stands in its log and cannot
    be read.

    A process that is killed in a commit leaves the beginning of it. A machine that goes down leaves at most one commit that is
    not whole, of which nobody was told: the next is not begun before the one before is on the disk. If there are more they were
    acknowledged, and the log is damaged. Raises StateError.
    """
    log_file = log_of(path)
    size = size_of(log_file)
    if size <= HEAD:
        return False
    try:
        # Read-only, so that its end does not bring the log into the file.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            lost = _commits_behind(log_file, size, _readable_frames(path))
    except (sqlite3.Error, UnicodeError) as error:
        raise in_words(path, error, "opened") from error
    if lost is None or lost > 1:
        what = "its head" if lost is None else f"{lost} commits behind the place where it can be read"
        raise damaged(path, f"its log {log_file.name} is damaged: {what} would be lost")
    if lost:
        log.warning(
            "The log of the state file %s ends in a commit that is not whole. After a power loss in the middle of it that is as "
            "it should be: nobody was told that it was done. [EH225]",
            path,
        )
    return bool(lost)


def _commits_behind(log_file: Path, size: int, readable: int) -> int | None:
    with log_file.open("rb") as file:
        head = read_head(file)
        if head is None:
            return None
        behind = frames(file, head, size, readable)
        return sum(frame.ends_a_commit and frame.salts == head.salts for frame in behind)


def _readable_frames(path: Path) -> int:
    """mxFrame in the index that SQLite has made of the log (struct WalIndexHdr, in the machine's byte order)."""
    with path.with_name(path.name + "-shm").open("rb") as file:
        file.seek(16)
        return int.from_bytes(file.read(4), sys.byteorder)
