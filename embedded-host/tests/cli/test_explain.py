from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.error_codes import entries
from tests.cli.calling import call


@pytest.mark.parametrize("argument", ["EH201", "eh201", "[EH201]"])
def test_a_code_is_explained_by_cause_and_fix(argument: str) -> None:
    called = call("explain", argument)
    assert called.code == 0
    head, _, fix = called.out.partition("\n\nFix: ")
    code, _, cause = head.partition("\n\nCause: ")
    assert code == "EH201"
    assert cause.startswith("Another process listens on the port")
    assert "embedded-host start --port 7072" in fix
    assert "EH202" not in called.out


def test_links_are_printed_without_their_targets() -> None:
    out = call("explain", "EH506").out
    assert "For messages of the embedded host, see messages without a code." in out


def test_without_a_code_all_codes_are_listed_with_the_first_sentence_of_their_cause() -> None:
    lines = call("explain").out.splitlines()
    assert [line.split()[0] for line in lines] == list(entries())
    assert "EH512  The orchestrator's name is misspelled, or the function is not served." in lines


def test_an_unknown_code_is_an_error() -> None:
    called = call("explain", "EH999")
    assert (called.code, called.err) == (
        3,
        "Error: There is no error code 'EH999'. For a list, run embedded-host explain. [EH533]\n",
    )


def test_invalid_arguments_have_a_code() -> None:
    called = call("get-history")
    assert called.code == 2
    assert called.err.endswith("Error: Missing option '--id'. [EH500]\n")


def test_the_help_has_no_code() -> None:
    assert "[EH500]" not in call().err


def test_a_failed_start_names_the_command_that_explains_its_code(tmp_path: Path) -> None:
    called = call("start", "--script-root", tmp_path / "nothing")
    assert called.code == 1
    assert "Pass the app folder with --script-root. [EH101]\n" in called.err
    assert called.err.rstrip().endswith("For details run: embedded-host explain EH101")
