"""The outcome of an instance."""

from __future__ import annotations

import time

import pytest

from embedded_host.cli.command import NotFoundError
from embedded_host.cli.host_connection import HostConnection
from embedded_host.cli.management_api import ManagementClient
from embedded_host.cli.outcome import (
    InstanceFailedError,
    NotFinishedError,
    error_texts,
    failure,
    print_error,
    print_output,
    wait_until_finished,
    waits_for,
)
from embedded_host.cli.reader import InstanceStatus


class Host(ManagementClient):
    """A host whose instance has one status after the other."""

    def __init__(self, *statuses: str | None, **more: object) -> None:
        super().__init__(HostConnection("http://localhost:7071"))
        self._statuses, self._more = list(statuses), more

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> InstanceStatus | None:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status is None:
            return None
        return InstanceStatus({"instanceId": instance_id, "runtimeStatus": status, **self._more})


def test_the_end_of_an_instance_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    host = Host("Pending", "Running", "Completed")
    assert wait_until_finished(host, "a", None).runtime_status == "Completed"
    with pytest.raises(NotFoundError):
        wait_until_finished(Host("Running", None), "a", None)


def test_a_timeout_names_the_waits() -> None:
    waits = [
        {"kind": "event", "name": "Approval", "since": "x"},
        {"kind": "timer", "due": "2026-01-02T03:04:05Z"},
        {"kind": "entity", "instanceId": "@counter@a", "operation": "add"},
    ]
    host = Host("Running", diagnosis={"waitsFor": waits})
    text = "event Approval, timer 2026-01-02T03:04:05Z, entity add @counter@a"
    status = host.instance("a")
    assert status is not None
    assert waits_for(status) == text
    with pytest.raises(
        NotFinishedError, match=f"not finished after 0 s. It is Running and .*{text}"
    ):
        wait_until_finished(host, "a", 0)
    assert waits_for(InstanceStatus({"diagnosis": None})) == ""
    assert NotFinishedError("").exit_code == 5


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        ("done\nsoon\x1b[1m", "done\nsoon\\x1b[1m\n"),
        ({"a": 1}, '{\n  "a": 1\n}\n'),
        (None, "null\n"),
        (True, "true\n"),
    ],
)
def test_an_output_is_printed(
    capsys: pytest.CaptureFixture[str], output: object, printed: str
) -> None:
    print_output(InstanceStatus({"output": output}))
    assert capsys.readouterr().out == printed


def test_an_error_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    traceback = "Traceback\n  line 1\nValueError: no"
    host = Host("Failed", output="ValueError: no", diagnosis={"traceback": traceback})
    status = host.instance("a")
    assert status is not None
    print_error(host, status)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", traceback + "\n")
    print_error(Host("Failed"), InstanceStatus({"instanceId": "a", "output": "reason"}))
    assert capsys.readouterr().err == "reason\n"


def test_the_traceback_of_an_activity_is_returned_once() -> None:
    header = "Traceback (most recent call last):\n"
    of_activity = f'{header}  File "a.py", line 2, in pay\nValueError: no'
    error = f"Orchestrator function 'o' failed: Activity function 'pay' failed: no \n {of_activity}"
    frames = f'{header}  File "a.py", line 9, in o'
    exception = f"Exception: Activity function 'pay' failed: no \n {of_activity}"
    assert error_texts(error, f"{frames}\n{exception}\n") == [error, frames]
    assert error_texts("Orchestrator function 'o' failed: no", f"{frames}\nValueError: no\n") == [
        "Orchestrator function 'o' failed: no",
        f"{frames}\nValueError: no",
    ]
    assert error_texts(None, None) == []


def test_the_failure_names_the_status() -> None:
    error = failure(InstanceStatus({"instanceId": "a", "runtimeStatus": "Terminated"}))
    assert isinstance(error, InstanceFailedError)
    assert error.exit_code == 1
    assert error.message == (
        "The instance 'a' has finished: Terminated. To start it again, run embedded-host restart "
        "--id a [EH516]"
    )
