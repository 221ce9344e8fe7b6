"""What a Docker engine changes in this machine's network, and leaves changed when it ends: put back as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"


class NetworkState:
    """Remembered when it is made: the packet filter's rules, whether packets are forwarded, whether there is a bridge."""

    def __init__(self) -> None:
        self._forwarding = FORWARDING.read_text(encoding="ascii")
        self._had_bridge = Path("/sys/class/net", BRIDGE).exists()
        self._rules = _run("iptables-save")

    def restore(self) -> None:
        if not self._had_bridge:
            _run("ip", "link", "delete", BRIDGE)
        if self._rules is not None:
            # A table that was not in use is not in what was saved: it is emptied first.
            for table in ("filter", "nat"):
                _run("iptables", "--table", table, "--flush")
                _run("iptables", "--table", table, "--delete-chain")
            _run("iptables", "--policy", "FORWARD", "ACCEPT")
            _run("iptables-restore", input=self._rules)
        FORWARDING.write_text(self._forwarding, encoding="ascii")


def _run(*command: str, input: bytes | None = None) -> bytes | None:
    """What it prints; None where there is no such program, or it fails."""
    try:
        return subprocess.run(
            command, input=input, capture_output=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
