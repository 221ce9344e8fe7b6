"""The options of the command line that change the settings of the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.command_line import AppOptions
from embedded_host.app.definitions import App, HostJson, LocalSettings


def app(levels: dict[str, str] | None = None) -> App:
    settings = LocalSettings(cors=("https://file.example",), cors_credentials=True)
    return App(Path(), HostJson(log_levels=levels or {}), settings, ())


def test_without_options_the_app_is_unchanged() -> None:
    assert AppOptions().apply_to(app()) == app()
    assert AppOptions().settings == {}


def test_cors_replaces_the_origins_of_the_file() -> None:
    settings = AppOptions(cors=("https://a.example",)).apply_to(app()).settings
    assert settings.cors == ("https://a.example",)
    assert settings.cors_credentials


def test_functions_become_the_settings_of_core_tools() -> None:
    assert AppOptions(functions=("A", "B")).settings == {
        "AzureFunctionsJobHost__functions__0": "A",
        "AzureFunctionsJobHost__functions__1": "B",
    }


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({}, {"Function": "Debug"}),
        ({"default": "Error"}, {"default": "Error", "Function": "Debug"}),
        ({"function": "Error"}, {"function": "Error"}),
    ],
)
def test_host_json_precedes_the_user_log_level(
    levels: dict[str, str], expected: dict[str, str]
) -> None:
    assert AppOptions(user_log_level="Debug").apply_to(app(levels)).host.log_levels == expected
