from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.error_codes import entries
from tests.cli.calling import call


@pytest.mark.parametrize("written", ["EH201", "eh201", "[EH201]"])
def test_one_code(written: str) -> None:
    called = call("explain", written)
    assert called.code == 0
    assert called.out.startswith("EH201\n\n    Port {7071} is in use by another process.")
    assert "\nCause. " in called.out
    assert "\nCure. " in called.out
    assert "EH202" not in called.out


def test_what_the_entry_leaves_to_a_list_comes_with_it() -> None:
    out = call("explain", "EH142").out
    assert "one of the mistakes listed below." in out  # and no link, which a terminal cannot follow
    assert "\n\nRoutes\n\nWhat stands behind EH142" in out
    assert "a route cannot start with '~'" in out
    assert "Schedules" not in out  # the next section
    assert "\nhost.json\n" in call("explain", "EH120").out
    assert "As answers over HTTP" in call("explain", "EH506").out  # with what is below it


def test_all_of_them() -> None:
    called = call("explain")
    assert [line.split()[0] for line in called.out.splitlines()] == list(entries())
    assert "EH511  There is no entity '{name}' with the key '{key}' at {host or state}." in called.out


def test_one_that_is_not_there() -> None:
    called = call("explain", "EH999")
    assert (called.code, called.err) == (
        3,
        "Error: There is no code 'EH999'. embedded-host explain lists them. [EH533]\n",
    )


def test_wrong_arguments_have_a_code_too() -> None:
    called = call("get-history")
    assert called.code == 2
    assert called.err.endswith("Error: Missing option '--id'. [EH500]\n")


def test_help_without_arguments_has_none() -> None:
    assert "[EH500]" not in call().err


def test_the_host_says_how_to_ask(tmp_path: Path) -> None:
    called = call("start", "--script-root", tmp_path / "nothing")
    assert called.code == 1
    assert "Name the app's folder with --script-root. [EH101]\n\nMore: embedded-host explain EH101\n" in called.err
