"""The address on which the host listens, and the conditions for an address of the network."""

from __future__ import annotations

from collections.abc import Callable

from embedded_host.host_process import HostStartError
from embedded_host.http.sockets import is_loopback


def listen_address(
    option: str | None,
    setting: str | None,
    *,
    auth: bool,
    allow_anonymous_network: bool,
    warn: Callable[[str], None],
) -> str:
    """Return the address to listen on. Raises HostStartError.

    ``option`` is the value of --address, and ``setting`` is that of LocalHttpAddress. A
    non-loopback address requires --auth or --allow-anonymous-network, because any client on the
    network could start and terminate instances. ``warn`` receives a warning.
    """
    address = option or setting or "127.0.0.1"
    try:
        if is_loopback(address):
            return address
    except OSError as error:
        raise HostStartError(f"The host cannot listen on {address}: {error}. [EH202]") from error
    if option is None:
        raise HostStartError(
            f"local.settings.json: LocalHttpAddress is {address}, which other machines can "
            f"reach. To listen on it, pass --address {address}; otherwise remove "
            "LocalHttpAddress. [EH206]"
        )
    if auth:
        return address
    if not allow_anonymous_network:
        raise HostStartError(
            f"Other machines can reach {address}. Without keys, every client on the network "
            "can start and terminate instances and read their output. Add --auth to require "
            "keys, or remove --address to listen on this machine only. In a container whose "
            "port is published on the loopback interface (127.0.0.1:7071:7071), or in a "
            "trusted network, pass --allow-anonymous-network. [EH207]"
        )
    warn(
        f"WARNING: the host listens on {address} without keys (--allow-anonymous-network). "
        "Every client on the network can start and terminate instances and read their output. "
        "[EH208]"
    )
    return address
