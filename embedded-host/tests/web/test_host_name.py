from __future__ import annotations

import pytest

from embedded_host.web.host_name import host_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.example", "a.example"),
        ("a.example:443", "a.example"),
        (".a.example", ".a.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("::1", "[::1]"),
        ("[::1]:7071", "[::1]"),
        ("0.0.0.0", None),
        ("::", None),
        ("https://a.example", None),
        ("", None),
        ("*", None),
    ],
)
def test_host_name_has_no_port_and_is_specific(text: str, name: str | None) -> None:
    assert host_name(text) == name
