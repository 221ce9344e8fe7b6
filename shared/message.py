"""Compose the message that HelloActivity returns.

The functions of this module do not start processes. They therefore do not use
`platform.architecture()`, which runs the command `file` and returns no linkage if this command is
missing, as in slim containers. The first four bytes of the interpreter's file determine the same
linkage.
"""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

UNKNOWN = "unknown"
"""The value for an unknown linkage, and for a missing ENV."""

_LINKAGE_BY_MAGIC = {
    b"\x7fELF": "ELF",
    b"\xfe\xed\xfa\xce": "Mach-O",  # 32 bits
    b"\xce\xfa\xed\xfe": "Mach-O",  # 32 bits, the other byte order
    b"\xfe\xed\xfa\xcf": "Mach-O",  # 64 bits
    b"\xcf\xfa\xed\xfe": "Mach-O",  # 64 bits, the other byte order: today's Macs
    b"\xca\xfe\xba\xbe": "Mach-O",  # fat: several architectures in one file
    b"\xbe\xba\xfe\xca": "Mach-O",  # fat, the other byte order
    b"\xca\xfe\xba\xbf": "Mach-O",  # fat with 64-bit offsets
    b"\xbf\xba\xfe\xca": "Mach-O",  # fat with 64-bit offsets, the other byte order
}


def hello_world(environment: Mapping[str, str] = os.environ, executable: str | None = None) -> str:
    """Return the message for the running interpreter."""
    return compose(
        system=system(),
        bits=bits(),
        linkage=linkage(sys.executable if executable is None else executable),
        env=environment.get("ENV") or UNKNOWN,
    )


def compose(*, system: str, bits: str, linkage: str, env: str) -> str:
    """Return the message. Clients depend on its spelling, including `enviroment`."""
    return (
        f"Hello World! from {system} operating system on {bits} {linkage} architecture "
        f"in {env} enviroment"
    )


def system() -> str:
    """Return `platform.system()`."""
    if sys.platform == "win32":
        return "Windows"  # up to Python 3.11, platform.system() starts a process to return this
    return platform.system()


def bits(maxsize: int = sys.maxsize) -> str:
    """Return `64bit` or `32bit`: the word size of the interpreter, not of the machine."""
    return "64bit" if maxsize > 2**32 else "32bit"


def linkage(executable: str | None) -> str:
    """Return `ELF`, `WindowsPE` or `Mach-O` from the first bytes of a file.

    Return `unknown` for other files, and for files that cannot be read: `python.exe` of the Windows
    Store is an alias that cannot be opened. Return `unknown` also if `executable` is empty or None.
    `sys.executable` has such a value if the interpreter is embedded in another program.
    """
    if not executable:
        return UNKNOWN
    try:
        with Path(executable).open("rb") as file:
            magic = file.read(4)
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return UNKNOWN
    if magic.startswith(b"MZ"):
        return "WindowsPE"
    return _LINKAGE_BY_MAGIC.get(magic, UNKNOWN)
