"""SQLite's ``.recover``, which rebuilds a database from the readable pages of a damaged file.

``.recover`` is a command of SQLite's shell, not of the library. The shell is the program
``sqlite3``. The program ``fossil`` contains the shell too. Debian and Ubuntu build ``sqlite3``
without ``.recover`` (without SQLITE_ENABLE_DBPAGE_VTAB), but the shell in their ``fossil`` has it.
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
    "sudo apt-get install fossil (Debian and Ubuntu build sqlite3 without .recover, but "
    "the shell in their fossil has it), or install the command-line tools of "
    "https://sqlite.org/download.html"
)


class Shell(NamedTuple):
    """An installed shell of SQLite that has ``.recover``."""

    command: Sequence[str]
    can_ignore_free_pages: bool
    """True if ``.recover`` has the option ``--ignore-freelist`` (SQLite 3.40 or newer).

    Older versions ignore free pages by default.
    """

    def rebuild(self, damaged: Path, target: Path, original: Path) -> None:
        """Write the readable rows of ``damaged`` to the new database ``target``.

        The table ``lost_and_found`` contains the rows that belong to no table. ``damaged`` is a
        copy of ``original``. Error messages contain the path of ``original``. Raises StateError if
        the shell cannot open the copy.
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
                stderr=subprocess.DEVNULL,  # reports skipped rows, which violate a constraint
            ) as writer,
        ):
            assert reader.stdout is not None
            assert reader.stderr is not None
            reader.stdout.close()  # only the writer uses it
            message = reader.stderr.read().decode(errors="replace").strip()
            writer.wait()
        if not target.exists():
            reason = message.replace(str(damaged), str(original)) or "its shell returned no data"
            raise StateError(
                f"SQLite cannot rebuild {original}: {reason}. A newer version of sqlite3 may "
                "rebuild it: https://sqlite.org/download.html. Nothing was changed. [EH555]"
            )


def find_shell() -> Shell:
    """Return the first installed shell that has ``.recover``.

    Raises StateError if there is none. The message contains the command that installs a shell.
    """
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
    installed = f"{'; '.join(rejected)}. " if rejected else ""
    install = _INSTALL.get(sys.platform, _INSTALL_ELSEWHERE)
    raise StateError(
        "The recovery requires the program sqlite3 (3.29 or newer) with the command .recover. "
        f"{installed}Install it: {install}. Nothing was changed. [EH554]"
    )


def _lacks_recover(shell: Sequence[str]) -> str | None:
    """Return the reason why ``.recover`` does not work, or None if it works."""
    # Recover a real table: some shells have the command, but lack a virtual table that it reads.
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
