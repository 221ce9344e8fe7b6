"""A command at a terminal with a given number of columns."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from typing import NamedTuple

from tests.support.running_host import environment

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class TerminalOutput(NamedTuple):
    """The result of a command at a terminal."""

    code: int
    lines: list[str]
    """The lines of stdout and stderr, without escape sequences for colors."""


def at_terminal(*arguments: object, columns: int = 80, typed: str = "") -> TerminalOutput:
    """Run ``embedded-host`` at a terminal, at which a user has ``typed`` a text.

    Windows has no pseudo terminals.
    """
    assert sys.platform != "win32"
    import fcntl
    import pty
    import termios

    user, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = environment(TERM="xterm")
    for name in ("COLUMNS", "LINES", "FORCE_COLOR"):
        variables.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "embedded_host", *map(str, arguments)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=variables,
    )
    os.close(terminal)
    os.write(user, typed.encode())
    output = b""
    try:
        while block := os.read(user, 65536):
            output += block
    except OSError:  # Linux reports the end of the output as an error
        pass
    code = process.wait(30)
    os.close(user)
    text = _ESCAPE.sub("", output.decode()).replace("\r\n", "\n")
    return TerminalOutput(code, text.split("\n"))
