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
    for text in error_texts(status.output, traceback_of(reader, status.instance_id)):
        print_lines(text, err=True)


def traceback_of(reader: Reader, instance_id: str) -> str | None:
    """Return the traceback of a failed instance, or None if the source does not have it."""
    try:
        detailed = reader.instance(instance_id, history=True, diagnosis=True)
    except CommandError:  # the host cannot return the history
        return None
    return detailed.traceback if detailed else None


def error_texts(output: object, traceback: str | None) -> list[str]:
    """Return the error of a failed instance and its traceback, without repeated lines.

    The traceback of an orchestrator ends with the exception of its activity, which is also in the
    ``output``. Then only its frames are returned.
    """
    error = "" if output is None else str(output).strip()
    lines = (traceback or "").strip().splitlines()
    ends = (
        index
        for index, line in enumerate(lines[:-1])  # an exception of one line has its type
        if not line.startswith((" ", "Traceback"))
        and _message("\n".join(lines[index:])) in _joined(error)
    )
    end = next(ends, len(lines))
    if error and error in "\n".join(lines[:end]):
        error = ""  # the traceback ends with the error
    return [text for text in (error, "\n".join(lines[:end])) if text]


def _message(exception: str) -> str:
    """Return the message of an exception that a traceback ends with, such as ``ValueError: x``."""
    return _joined(exception.partition(": ")[2] or exception)


def _joined(text: str) -> str:
    return " ".join(text.split())


def failure(status: InstanceStatus) -> InstanceFailedError:
    """Return the error for an instance that has finished, but not with the status Completed."""
    id, state = status.instance_id, status.runtime_status
    fix = (
        f"Correct the cause, then run embedded-host rewind --id {id}"
        if state == "Failed"
        else f"To start it again, run embedded-host restart --id {id}"
    )
    return InstanceFailedError(f"The instance '{id}' has finished: {state}. {fix} [EH516]")
