"""The interface that runs user functions, and the retry of calls whose worker was lost."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

from embedded_host.engine.events import FailureDetails
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.errors import EmbeddedHostError
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds import Kind, exits

log = logging.getLogger("embedded_host.task_hub")
T = TypeVar("T")
_WORKERS = "Microsoft.Azure.WebJobs.Script.Workers"


class WorkerLostError(EmbeddedHostError):
    """The worker process ended before the function returned. The message contains the reason."""

    def __init__(
        self,
        message: str,
        *,
        concurrent_calls: int = 0,
        caused_by_another_call: bool = False,
        exit_code: int | None = None,
    ) -> None:
        """Create the error.

        ``concurrent_calls`` is the number of other calls that may have ended the process. If
        ``caused_by_another_call`` is true, another call has ended it. ``exit_code`` is the exit
        code of a process that has exited, as a shell reports it. It is None if the host has ended
        the process, or if the process has ended for another reason than its calls.
        """
        super().__init__(message)
        self.concurrent_calls = concurrent_calls
        self.caused_by_another_call = caused_by_another_call
        self.exit_code = exit_code

    @property
    def is_caused_by_this_call(self) -> bool:
        """True if the process has exited and no other call can be the reason."""
        return (
            self.exit_code is not None
            and not self.caused_by_another_call
            and not self.concurrent_calls
        )

    @property
    def fails_all_calls(self) -> bool:
        """True if all calls in the process fail on the Azure Functions host."""
        return self.exit_code is not None or self.caused_by_another_call

    @property
    def and_other_calls(self) -> str:
        """The number of concurrent calls for a log message, such as `` and 2 other calls``."""
        if not self.concurrent_calls:
            return ""
        return f" and {self.concurrent_calls} other call{'s' if self.concurrent_calls > 1 else ''}"


@dataclass
class CallStart:
    """The time at which a worker's thread began to run a call."""

    timestamp: float | None = None
    """The Unix time, or None if the call has not waited for a thread."""


call_start: ContextVar[CallStart | None] = ContextVar("call_start", default=None)
"""The object in which an invoker records the start of the current task's call."""

LOST_WORKERS = 3
"""The number of workers that a call can lose before it fails."""


@dataclass(frozen=True)
class Call:
    """A call of a function, for the messages about a lost worker."""

    kind: str
    """The kind of the function, such as ``activity``."""
    name: str
    instance_id: str = ""
    fails_at_exit: bool = True
    """True if the Azure Functions host fails the call when its worker process exits.

    Otherwise, that host runs the call again.
    """

    def __str__(self) -> str:
        """Return the kind and the name, such as ``the activity 'A'``."""
        return f"the {self.kind} '{self.name}'" if self.name else self.kind


def exit_text(code: int) -> str:
    """Return the description of an exit code of a worker process, in the recorded wording."""
    return f"PYTHON exited with code {code} (0x{code & 0xFFFFFFFF:X})"


def exit_error(lost: WorkerLostError, name: str) -> UserError:
    """Return the error of a call whose worker process has exited, in the recorded wording.

    The details for SDK 2.x are those of ``OutOfProcMiddleware`` in the Durable extension.
    """
    text = str(lost) if lost.exit_code is None else exit_text(lost.exit_code)
    inner = FailureDetails(error_type=f"{_WORKERS}.WorkerProcessExitException", error_message=text)
    details = FailureDetails(
        error_type="Microsoft.Azure.WebJobs.Host.FunctionInvocationException",
        error_message=f"Exception while executing function: Functions.{name}",
        inner_failure=inner,
    )
    return UserError("", text, details=details)


async def run_call(
    invoke: Callable[[bool], Awaitable[T]], call: Call, findings: Findings
) -> T | UserError:
    """Run a call, and run it again on another worker if another call has ended its worker.

    If the call itself has made its worker process exit, it fails as on the Azure Functions host. If
    that host runs such a call again, this function runs it up to ``LOST_WORKERS`` times. The same
    applies if the host has ended the worker.

    The argument of ``invoke`` is true if no other call may run in the same process. Each running
    call can be the reason why a worker ended. The host therefore retries each of these calls alone,
    so that only the faulty call fails. On the Azure Functions host, all of them fail. In strict
    mode, they fail here too.
    """
    attempts, saved_from = 0, ""
    while True:
        try:
            result = await invoke(attempts > 0)
        except WorkerLostError as lost:
            fails = call.fails_at_exit and (
                lost.is_caused_by_this_call or (findings.is_strict and lost.fails_all_calls)
            )
            if fails:
                log.error("The worker process ended while it ran %s: %s. [EH325]", call, lost)
                return exit_error(lost, call.name)
            if call.fails_at_exit and lost.fails_all_calls:
                saved_from = str(lost)
            if lost.caused_by_another_call:
                text = str(call)
                log.warning(
                    "%s is retried, because another call ended its worker (%s). [EH325]",
                    text[:1].upper() + text[1:],
                    lost,
                )
                continue
            attempts += 1
            log.error(
                "The worker process ended while it ran %s%s: %s. Attempt %d of %d failed%s. "
                "[EH325]",
                call,
                lost.and_other_calls,
                lost,
                attempts,
                LOST_WORKERS,
                "; the next attempt runs alone"
                if lost.concurrent_calls and attempts < LOST_WORKERS
                else "",
            )
            if attempts == LOST_WORKERS:
                if lost.exit_code is not None:
                    detail = f"Its worker process ended: {lost}."
                    _add_finding(findings, exits.RUN_AGAIN, call, detail)
                return UserError(
                    "WorkerLost",
                    f"the worker process ended {attempts} times while it ran {call}: {lost}",
                )
        else:
            if saved_from:
                detail = f"Another call in its worker process ended the process: {saved_from}."
                _add_finding(findings, exits.OTHER_CALL, call, detail)
            return result


def _add_finding(findings: Findings, kind: Kind, call: Call, detail: str) -> None:
    findings.add(kind, call.name, instance_id=call.instance_id, detail=detail)


class Invoker(Protocol):
    """Runs user functions.

    ``name`` is a durable name (``Function.durable_name``). With ``alone``, no other call runs in
    the same process meanwhile. All methods raise WorkerLostError if the worker process ends.
    """

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        """Replay an orchestrator and return its output."""

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        """Run an activity and return its result as JSON.

        ``input`` is JSON. ``task_id`` is the id of the event that scheduled the activity.
        """

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        """Run a batch of operations of an entity and return its output."""

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Send the request of a ``call_http`` and return its response. Both are JSON.

        The method calls ``is_wanted`` before and after each pause between polls. If it returns
        false, the method does not poll.
        """
