"""The message that HelloActivity returns: where this Python runs, in one sentence.

Nothing here starts another process: `platform.architecture()` runs the `file` command, and names no linkage where that
command is missing, as in slim containers. Four bytes of the interpreter's own file say the same.
"""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

UNKNOWN = "unknown"
"""Stands for a linkage that cannot be told, and for an ENV that is not set."""

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
    """Put the sentence together. Its spelling, `enviroment` included, is what callers rely on."""
    return f"Hello World! from {system} operating system on {bits} {linkage} architecture in {env} enviroment"


def system() -> str:
    """Return `platform.system()`."""
    if sys.platform == "win32":
        return "Windows"  # the same answer; up to Python 3.11, platform would run the command `ver` to find it
    return platform.system()


def bits(maxsize: int = sys.maxsize) -> str:
    """Return the word size of the running interpreter, which may be less than that of the machine."""
    return "64bit" if maxsize > 2**32 else "32bit"


def linkage(executable: str | None) -> str:
    """Return `ELF`, `WindowsPE` or `Mach-O` after the first bytes of a file.

    Any other file is `unknown`, and so is one that cannot be read: an interpreter embedded in another program has no
    file (`sys.executable` is empty or None), and the Windows Store's `python.exe` is an alias that cannot be opened.
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
