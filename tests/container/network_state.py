"""Save and restore the network state of the machine, which a Docker engine changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = "docker0"


class NetworkState:
    """The saved state: packet filter rules, IP forwarding, and the docker0 bridge."""

    def __init__(self) -> None:
        self._forwarding = FORWARDING.read_text(encoding="ascii")
        self._had_bridge = Path("/sys/class/net", BRIDGE).exists()
        self._rules = _run("iptables-save")

    def restore(self) -> None:
        if not self._had_bridge:
            _run("ip", "link", "delete", BRIDGE)
        if self._rules is not None:
            # Flush first: the saved rules do not include tables that were unused.
            for table in ("filter", "nat"):
                _run("iptables", "--table", table, "--flush")
                _run("iptables", "--table", table, "--delete-chain")
            _run("iptables", "--policy", "FORWARD", "ACCEPT")
            _run("iptables-restore", input=self._rules)
        FORWARDING.write_text(self._forwarding, encoding="ascii")


def _run(*command: str, input: bytes | None = None) -> bytes | None:
    """Return the output of a command, or None if it does not exist or fails."""
    try:
        return subprocess.run(
            command, input=input, capture_output=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
