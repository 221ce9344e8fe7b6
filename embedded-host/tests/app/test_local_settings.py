"""Tests of local.settings.json (functions-host.md#local-settings-json)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import LocalSettings, Problem
from embedded_host.app.local_settings import effective_environment, read_local_settings


def read(tmp_path: Path, content: Any) -> tuple[LocalSettings, tuple[Problem, ...]]:
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "local.settings.json").write_text(text, encoding="utf-8")
    return read_local_settings(tmp_path)


def plain(**sections: Any) -> dict[str, Any]:
    return {"IsEncrypted": False, **sections}


def test_without_a_file_the_settings_are_empty(tmp_path: Path) -> None:
    assert read_local_settings(tmp_path) == (LocalSettings(), ())


def test_every_section_is_read(tmp_path: Path) -> None:
    settings, problems = read(
        tmp_path,
        plain(
            Values={"ENV": "local", "EMPTY": "", "NUMBER": 1, "FLAG": True},
            ConnectionStrings={
                "Sql": "Server=x",
                "Other": {"ConnectionString": "y", "ProviderName": "p"},
            },
            Host={
                "LocalHttpPort": 7072,
                "LocalHttpAddress": "0.0.0.0",
                "CORS": "http://a, http://b",
                "CORSCredentials": True,
            },
        ),
    )
    assert problems == ()
    assert settings == LocalSettings(
        values={
            "ENV": "local",
            "EMPTY": "",
            "NUMBER": "1",
            "FLAG": "true",
            "ConnectionStrings:Sql": "Server=x",
            "ConnectionStrings:Other": "y",
        },
        port=7072,
        address="0.0.0.0",
        cors=("http://a", "http://b"),
        cors_credentials=True,
    )


@pytest.mark.parametrize(
    ("content", "where", "text"),
    [
        ('{"IsEncrypted": false,\n "Values" {}}', "2:11", "is not valid JSON: ':' is missing"),
        ([], "1:1", "must be an object"),
        ({"Values": {"A": "b"}}, "1:1", "IsEncrypted is missing, which means true"),
        ({"IsEncrypted": True, "Values": {"A": "b"}}, "1:17", "func settings decrypt"),
        ({"IsEncrypted": 0, "Values": {"A": "b"}}, "1:17", "must be true or false"),
        (
            plain(Values={"A": "b", "C": {"d": 1}}),
            "1:50",
            "'C' is not a string: values cannot be nested",
        ),
        (plain(Values=["A"]), "1:34", "Values must be an object"),
    ],
)
def test_an_unusable_file_is_ignored_with_a_warning(
    tmp_path: Path, content: Any, where: str, text: str
) -> None:
    settings, (problem,) = read(tmp_path, content)
    assert settings == LocalSettings()
    assert problem.location == f"local.settings.json:{where}"
    assert text in str(problem)
    assert "ntil then the host ignores the file" in problem.fix
    assert not problem.fatal


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (plain(Values={"A": None}), "'A' is null and is ignored"),
        (plain(Values={"": "x"}), "without a name"),
        (plain(ConnectionStrings={"A": 1}), "'A' is not a connection string and is ignored"),
        (plain(Host={"LocalHttpPort": "x"}), "LocalHttpPort must be a port"),
        (plain(Host={"LocalHttpPort": 70000}), "LocalHttpPort must be a port"),
        (plain(Host={"LocalHttpPort": True}), "LocalHttpPort must be a port"),
        (plain(Host={"CORS": ["*"]}), "CORS must be a string"),
        (plain(Host={"LocalHtpPort": 1}), "Did you mean 'LocalHttpPort'?"),
        (plain(Vlaues={}), "Did you mean 'Values'?"),
    ],
)
def test_an_invalid_value_is_ignored_with_a_warning(
    tmp_path: Path, content: Any, text: str
) -> None:
    settings, (problem,) = read(tmp_path, content)
    assert settings == LocalSettings()
    assert text in str(problem)


def test_the_port_may_be_a_string_and_keys_are_not_case_sensitive(tmp_path: Path) -> None:
    settings, problems = read(
        tmp_path, {"isEncrypted": False, "values": {"A": "b"}, "host": {"localhttpport": "81"}}
    )
    assert (settings, problems) == (LocalSettings(values={"A": "b"}, port=81), ())


def test_comments_are_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, '{"IsEncrypted": false, // mine\n "Values": {"A": "b"}}') == (
        LocalSettings({"A": "b"}),
        (),
    )


@pytest.mark.parametrize("number", ["1", "1.50", "1e3", "-0", "10000000000000000000000.0"])
def test_numbers_keep_their_text(tmp_path: Path, number: str) -> None:
    settings, problems = read(tmp_path, f'{{"IsEncrypted": false, "Values": {{"N": {number}}}}}')
    assert settings.values == {"N": number}
    assert not problems


def test_a_variable_of_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = LocalSettings(
        values={"NEW": "1", "SAME": "2", "OTHER": "3", "AZURE_FUNCTIONS_ENVIRONMENT": "x"}
    )
    added, notes = effective_environment(settings, {"SAME": "2", "OTHER": "mine"}, tmp_path)
    assert added == {
        "NEW": "1",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(tmp_path),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(tmp_path),
    }
    assert [problem.fault for problem in notes] == [
        "Skipping 'OTHER' from local settings as it's already defined in current environment "
        "variables."
    ]


def test_the_runtime_defaults_to_python() -> None:
    named = LocalSettings(values={"FUNCTIONS_WORKER_RUNTIME": "node"})
    assert effective_environment(named, {})[0]["FUNCTIONS_WORKER_RUNTIME"] == "node"
    assert (
        "FUNCTIONS_WORKER_RUNTIME"
        not in effective_environment(LocalSettings(), {"FUNCTIONS_WORKER_RUNTIME": "x"})[0]
    )


def test_names_of_variables_are_not_case_sensitive_on_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "name", "nt")
    added, notes = effective_environment(LocalSettings(values={"Env": "a"}), {"ENV": "b"})
    assert "Env" not in added
    assert len(notes) == 1
