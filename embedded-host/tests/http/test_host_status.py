"""The status of the host."""

from __future__ import annotations

from embedded_host.http.host_status import host_status


def test_a_host_without_errors_is_running() -> None:
    status = host_status(0, [], in_error=False)
    assert status["state"] == "Running"
    assert "errors" not in status


def test_errors_of_functions_do_not_put_the_host_in_error() -> None:
    status = host_status(0, ["a"], in_error=False)
    assert (status["state"], status["errors"]) == ("Running", ["a"])
    assert host_status(0, ["a"], in_error=True)["state"] == "Error"
