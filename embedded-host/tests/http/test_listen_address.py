"""The conditions for an address of the network."""

from __future__ import annotations

import pytest

from embedded_host.host_process import HostStartError
from embedded_host.http.listen_address import listen_address


def address(
    option: str | None, setting: str | None = None, *, auth: bool = False, allow: bool = False
) -> tuple[str, list[str]]:
    """Return the address and the warnings."""
    warnings: list[str] = []
    found = listen_address(
        option, setting, auth=auth, allow_anonymous_network=allow, warn=warnings.append
    )
    return found, warnings


def test_the_option_precedes_the_setting_and_the_default() -> None:
    assert address("localhost", "127.0.0.2") == ("localhost", [])
    assert address(None, "127.0.0.2") == ("127.0.0.2", [])
    assert address(None) == ("127.0.0.1", [])


def test_an_address_of_the_network_requires_keys_or_the_permission() -> None:
    with pytest.raises(HostStartError, match="EH207"):
        address("0.0.0.0")
    assert address("0.0.0.0", auth=True) == ("0.0.0.0", [])
    found, [warning] = address("0.0.0.0", allow=True)
    assert found == "0.0.0.0"
    assert "EH208" in warning


def test_the_setting_alone_does_not_select_an_address_of_the_network() -> None:
    with pytest.raises(HostStartError, match="EH206"):
        address(None, "0.0.0.0", auth=True)


def test_an_address_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(HostStartError, match="EH202"):
        address("no such host.invalid")
