"""SQLite's ``.recover``: it rebuilds a database from the readable pages of a damaged file.

It is a command of SQLite's shell, not of the library. The shell is the program ``sqlite3``; Fossil contains it too. Debian and
Ubuntu build their ``sqlite3`` without ``.recover`` (without SQLITE_ENABLE_DBPAGE_VTAB), but their ``fossil`` has it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from embedded_host.store.interface import StateError

_SHELLS = (("sqlite3",), ("fossil", "sql", "--no-repository"))
_INSTALL = {
    "darwin": "brew install sqlite (and add $(brew --prefix sqlite)/bin to PATH)",
    "win32": "winget install SQLite.SQLite (or: choco install sqlite)",
}
_INSTALL_ELSEWHERE = (
    "sudo apt-get install fossil (Debian and Ubuntu build sqlite3 without .recover; Fossil contains SQLite's shell with it), "
    "or install the command-line tools of https://sqlite.org/download.html"
)


class Shell(NamedTuple):
    """SQLite's shell, with ``.recover``."""

    command: Sequence[str]
    can_ignore_free_pages: bool
    """It has ``--ignore-freelist`` (3.40); older versions ignore free pages by default."""

    def rebuild(self, damaged: Path, target: Path, original: Path) -> None:
        """Write the readable rows of ``damaged`` to the new database ``target``. Rows without a table go to ``lost_and_found``.

        ``damaged`` is a copy of ``original``, the file that an error names. Raises StateError if the shell cannot open the copy.
        """
        recover = ".recover --ignore-freelist" if self.can_ignore_free_pages else ".recover"
        with (
            subprocess.Popen(
                [*self.command, str(damaged), recover],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as reader,
            subprocess.Popen(
                [*self.command, str(target)],
                stdin=reader.stdout,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a row that violates a constraint is reported there, and skipped
            ) as writer,
        ):
            assert reader.stdout is not None
            assert reader.stderr is not None
            reader.stdout.close()  # the writer has it
            message = reader.stderr.read().decode(errors="replace").strip()
            writer.wait()
        if not target.exists():
            reason = message.replace(str(damaged), str(original)) or "its shell returned no data"
            raise StateError(
                f"SQLite cannot rebuild {original}: {reason}. The sqlite3 program of "
                "https://sqlite.org/download.html can rebuild more than older ones. Nothing was changed. [EH555]"
            )


def find_shell() -> Shell:
    """Return the first installed shell with ``.recover``. Raises StateError that says how to install one."""
    rejected = []
    for command in _SHELLS:
        program = shutil.which(command[0])
        if program is None:
            continue
        shell = [program, *command[1:]]
        reason = _lacks_recover(shell)
        if reason is None:
            return Shell(shell, "--ignore-freelist" in _output(shell, ".help recover"))
        rejected.append(f"{program} has no .recover ({reason})")
    found = f"{'; '.join(rejected)}. " if rejected else ""
    install = _INSTALL.get(sys.platform, _INSTALL_ELSEWHERE)
    raise StateError(
        f"Recovery needs SQLite's program sqlite3 with its command .recover (3.29 or newer). {found}Install it: {install}. "
        "Nothing was changed. [EH554]"
    )


def _lacks_recover(shell: Sequence[str]) -> str | None:
    """Return the reason why ``.recover`` does not work; None if it works."""
    # The dump of a database with one table is a test of all parts: programs exist that know the command and lack its tables.
    output = _output(shell, "CREATE TABLE probe (a);", ".recover")
    return None if "CREATE TABLE" in output else (output.splitlines() or ["it printed nothing"])[-1]


def _output(shell: Sequence[str], *commands: str) -> str:
    try:
        done = subprocess.run(
            [*shell, ":memory:"],
            input="\n".join(commands) + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout + done.stderr
