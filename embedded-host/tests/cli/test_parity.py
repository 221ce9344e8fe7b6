"""The command ``parity`` with a host's document and with an app folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.cli.conftest import CallHost
from tests.support.app_folder import AppFolder
from tests.support.recorded_host import RecordedHost

FINDING = {
    "code": "EH802",
    "function": "Order",
    "text": "On the Azure Functions host, it fails. Send the request in an activity. [EH802]",
    "instances": ["a", "b", "c", "d"],
}
PATH = "/admin/host/parity"


def parity_of(host: RecordedHost, *arguments: object) -> tuple[int, str]:
    called = call("parity", "--url", host.url, "--code", "master-key", *arguments)
    return called.code, called.out


def test_findings_are_printed_with_instances_and_fail_the_command(
    recorded_host: RecordedHost,
) -> None:
    recorded_host.respond("GET", PATH, 200, {"mode": "helpful", "findings": [FINDING]})
    code, out = parity_of(recorded_host)
    assert (code, out.splitlines()) == (
        1,
        [
            f"{FINDING['text']} Instances: a, b, c, ...",
            "1 part of the app would differ on Azure.",
        ],
    )
    code, out = parity_of(recorded_host, "--json")
    assert (code, json.loads(out)) == (1, {"mode": "helpful", "findings": [FINDING]})


def test_ignored_codes_do_not_fail_the_command(recorded_host: RecordedHost) -> None:
    recorded_host.respond("GET", PATH, 200, {"mode": "helpful", "findings": [FINDING]})
    assert parity_of(recorded_host, "--ignore", "eh802") == (
        0,
        "No part of the app is known to differ on Azure.\n",
    )


@pytest.mark.parametrize(("status", "text"), [(404, "[EH509]"), (401, "[EH503]")])
def test_a_host_without_findings_is_reported(
    recorded_host: RecordedHost, status: int, text: str
) -> None:
    recorded_host.respond("GET", PATH, status)
    called = call("parity", "--url", recorded_host.url, "--code", "master-key")
    assert called.code == 1
    assert text in called.err


@pytest.mark.process
def test_the_command_succeeds_unless_a_running_host_has_findings(call_host: CallHost) -> None:
    """The host may have findings, because other tests use it too."""
    called = call_host("parity", "--json")
    document = json.loads(called.out)
    assert document["mode"] == "helpful"
    assert called.code == (1 if document["findings"] else 0)


@pytest.mark.process
def test_an_app_folder_is_checked_without_a_host(tmp_path: Path) -> None:
    app = AppFolder(tmp_path / "app")
    app.write("local.settings.json", '{"Values": {}, "Host": {"LocalHttpPort": 1}}')
    app.activity("Echo", "return value")
    called = call("parity", "--script-root", app.root)
    assert (called.code, called.out) == (0, "No part of the app is known to differ on Azure.\n")


def test_a_state_folder_is_refused(tmp_path: Path) -> None:
    called = call("parity", "--state", tmp_path)
    assert called.code == 2
    assert "select the app folder with --script-root" in called.err
