"""The wait until an instance has finished, and its outcome: the output, or the error."""

from __future__ import annotations

import time

from embedded_host.cli.command import CommandError, no_instance
from embedded_host.cli.output import print_json, print_lines, print_text, printable
from embedded_host.cli.reader import InstanceStatus, Reader

SHORTEST, LONGEST = 0.02, 0.5
"""The first and the longest interval of the polls, in seconds."""


class InstanceFailedError(CommandError):
    """The instance has finished, but not with the status Completed."""


class NotFinishedError(CommandError):
    """The instance has not finished in time."""

    exit_code = 5


def wait_until_finished(reader: Reader, instance_id: str, timeout: float | None) -> InstanceStatus:
    """Poll an instance until it has finished, and return its status.

    Raises NotFinishedError after ``timeout`` seconds, and NotFoundError if the instance is deleted.
    """
    end = None if timeout is None else time.monotonic() + timeout
    interval = SHORTEST
    while True:
        status = reader.instance(instance_id)
        if status is None:
            raise no_instance(instance_id, reader.name)
        if status.is_finished:
            return status
        if end is not None and time.monotonic() >= end:
            detailed = reader.instance(instance_id, diagnosis=True)
            waits = waits_for(detailed) if detailed else ""
            waiting = f" and waits for {waits}" if waits else ""
            raise NotFinishedError(
                f"The instance '{instance_id}' has not finished after {timeout:g} s. It is "
                f"{status.runtime_status}{waiting}. To wait again, run embedded-host watch --id "
                f"{instance_id} [EH517]"
            )
        left = LONGEST if end is None else max(end - time.monotonic(), 0)
        time.sleep(min(interval, left))
        interval = min(interval * 1.5, LONGEST)


def waits_for(status: InstanceStatus) -> str:
    """Return the list of the waits of an instance, such as ``event Approval``.

    The list is empty if the status has no diagnosis, or if the instance has finished.
    """
    diagnosis = status.document.get("diagnosis") or {}
    return ", ".join(
        " ".join(
            str(wait[name])
            for name in ("kind", "name", "due", "operation", "instanceId")
            if wait.get(name)
        )
        for wait in diagnosis.get("waitsFor") or ()
    )


def print_output(status: InstanceStatus) -> None:
    """Print the output of an instance: a string without quotes, other values as JSON."""
    if isinstance(status.output, str):
        for line in status.output.split("\n"):
            print_text(printable(line))
    else:
        print_json(status.output)


def print_error(reader: Reader, status: InstanceStatus) -> None:
    """Print the error of a failed instance on stderr, with the traceback if the source has it."""
    try:
        detailed = reader.instance(status.instance_id, history=True, diagnosis=True)
    except CommandError:  # the host cannot return the history
        detailed = None
    traceback = (detailed.traceback if detailed else None) or ""
    error = "" if status.output is None else str(status.output)
    if error.strip() in traceback:
        error = ""  # the traceback ends with the error
    for text in (error, traceback):
        print_lines(text, err=True)


def failure(status: InstanceStatus) -> InstanceFailedError:
    """Return the error for an instance that has finished, but not with the status Completed."""
    id, state = status.instance_id, status.runtime_status
    fix = (
        f"Correct the cause, then run embedded-host rewind --id {id}"
        if state == "Failed"
        else f"To start it again, run embedded-host restart --id {id}"
    )
    return InstanceFailedError(f"The instance '{id}' has finished: {state}. {fix} [EH516]")
