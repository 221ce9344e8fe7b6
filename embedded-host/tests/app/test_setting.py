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
def test_a_setting_is_found_without_regard_to_case(name: str, value: str | None) -> None:
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
def test_percent_names_are_replaced_by_settings(text: str, resolved: str) -> None:
    assert resolve_percent(text, ENVIRON) == resolved


@pytest.mark.parametrize(
    ("text", "expected"), [("a%None%", "'%None%'"), ("50%", "a single '%'"), ("%%", "'%%'")]
)
def test_an_error_names_the_missing_setting(text: str, expected: str) -> None:
    with pytest.raises(UnresolvedSettingError, match=expected):
        resolve_percent(text, ENVIRON)
