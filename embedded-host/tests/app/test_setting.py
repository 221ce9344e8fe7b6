from __future__ import annotations

import pytest

from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting

ENVIRON = {"Hub": "MyHub", "A__B": "nested", "Empty": "", "Nested": "%Hub%"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Hub", "MyHub"),
        ("HUB", "MyHub"),
        ("A__B", "nested"),
        ("a:b", "nested"),
        ("Empty", ""),
        ("None", None),
    ],
)
def test_setting(name: str, value: str | None) -> None:
    assert setting(name, ENVIRON) == value


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("plain", "plain"),
        ("%Hub%", "MyHub"),
        ("x-%hub%-%A:B%", "x-MyHub-nested"),
        ("%Empty%", ""),
        ("%Nested%", "%Hub%"),  # once, not again
    ],
)
def test_resolve_percent(text: str, resolved: str) -> None:
    assert resolve_percent(text, ENVIRON) == resolved


@pytest.mark.parametrize(
    ("text", "said"), [("a%None%", "'%None%'"), ("50%", "a single '%'"), ("%%", "'%%'")]
)
def test_resolve_percent_names_what_is_missing(text: str, said: str) -> None:
    with pytest.raises(UnresolvedSettingError, match=said):
        resolve_percent(text, ENVIRON)
