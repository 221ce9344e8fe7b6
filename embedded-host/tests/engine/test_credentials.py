from __future__ import annotations

import pytest

from embedded_host.engine.credentials import without_credentials


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no row", "no row"),
        ("x = 1: y", "x = 1: y"),
        ("bad row key=12, retry later", "bad row [Hidden Credential]"),
        ("a KEY=1' b <c> token=2", "a [Hidden Credential]' b <c> [Hidden Credential]"),
        ('"AccountKey=a" "SharedAccessKey=b"', '"[Hidden Credential]" "[Hidden Credential]"'),
        ("PublicKeyToken=12", "PublicKeyToken=12"),
        ("GET /x?code=1&sig=2 'end'", "GET /x[Hidden Credential]'end'"),
        ("pwd=1\nnext line", "[Hidden Credential]"),
        ("DefaultEndpointsProtocol=https;AccountName=n", "[Hidden Credential]"),
        ("at amqp://user:secret@host:5672/x", "at [Hidden Credential]/x"),
        ("at https://host:443/x", "at https://host:443/x"),
        ("\u212aey=1", "\u212aey=1"),
    ],
)
def test_text_from_a_credential_to_its_end_is_hidden(message: str, shown: str) -> None:
    assert without_credentials(message) == shown
