"""Runs durable functions for a task hub on a worker."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Protocol
from uuid import uuid4

from msgspec import structs

from embedded_host.app.definitions import Function, is_built_in
from embedded_host.engine.events import FailureDetails
from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    CallLines,
    Completion,
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
    ReplayProgress,
)
from embedded_host.engine.json_codec import encodable
from embedded_host.engine.sdk_protocols import SDK_1X, SDK_2X
from embedded_host.history import failure_traceback
from embedded_host.protocols import adapter
from embedded_host.task_hub.invoker import Invoker, call_start
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.failed_runs import log_failed_run
from embedded_host.workers.function_retries import FunctionRetries
from embedded_host.workers.host_records import about
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import Invocation, Worker
from embedded_worker.protocol import InvocationResult, RetryData

_FILE = re.compile(r'^((?: +\| )?  File )"([^"\n]+)"', re.MULTILINE)
"""A traceback's line with a file name. In exception groups it starts with a bar."""
log = logging.getLogger("embedded_host.functions")


def durable_functions(functions: Collection[Function]) -> DurableFunctions:
    """Return the durable names of ``functions`` by kind."""
    names: dict[str, list[str]] = {"orchestrator": [], "activity": [], "entity": []}
    for function in functions:
        if function.durable_kind is not None:
            names[function.durable_kind].append(function.durable_name)
    return DurableFunctions.of(
        names["orchestrator"],
        names["activity"],
        names["entity"],
        protocol_of(functions),
        filter(is_built_in, chain.from_iterable(names.values())),
    )


def protocol_of(functions: Iterable[Function]) -> int:
    """Return the version of the SDK's protocol that an app's functions use."""
    return SDK_2X if any(function.requires_grpc for function in functions) else SDK_1X


class FunctionInvoker(Invoker, Protocol):
    """Runs durable functions for a task hub, and timer functions."""

    async def function(
        self,
        function: Function,
        trigger: str,
        invocation_id: str = "",
        retry: RetryData | None = None,
    ) -> InvocationResult:
        """Run a function that has no HTTP trigger.

        Raises WorkerLostError if its worker process ends.
        """


class AppInvoker:
    """The ``task_hub.invoker.Invoker`` of an app."""

    def __init__(
        self,
        worker: Worker,
        app: CurrentApp,
        client: Callable[[bool], str],
        http: Callable[[str, Callable[[], bool]], Awaitable[str | UserError]],
        root: Path | None = None,
        retries: FunctionRetries | None = None,
    ) -> None:
        """Run the functions of ``app`` on ``worker``.

        ``client`` returns the value of a durableClient binding for functions without an HTTP
        request. Its argument is true for SDK 2.x. ``http`` sends the requests of ``call_http``.
        ``root`` is the app's folder. Paths in recorded tracebacks are relative to it, so they
        reveal no other folders. ``retries`` runs activities that have a retry policy in
        function.json or a decorator. By default, these policies have no effect.
        """
        self._root, self._retries = root, retries
        self._worker, self._client, self._http = worker, client, http
        self._reload(app.loaded)
        app.subscribe(self._reload)

    def _reload(self, loaded: LoadedApp) -> None:
        self._loaded = loaded
        self._functions = _by_durable_name(loaded)
        self._adapter = adapter(protocol_of(loaded.enabled))

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        """Run one turn of an orchestrator, and log its exception."""
        function = self._functions["orchestrator", name.lower()]
        result = await self._worker.turn(function.name, turn, alone=alone)
        decoded = self._decoded(name, turn, result)
        if result.lines is None or isinstance(decoded, InvocationFailure):
            return decoded
        calls, waits, differs_at = result.lines
        lines = CallLines(dict(calls), waits, None if differs_at < 0 else differs_at)
        return replace(decoded, lines=lines)

    def _decoded(
        self, name: str, turn: OrchestratorInput, result: InvocationResult
    ) -> OrchestratorResult:
        progress = ReplayProgress(result.counts, result.known)
        outcome = _outcome(result)
        if isinstance(outcome, UserError):
            self._log_failure(name, turn, outcome.stack or outcome.text)
            outcome = self._recorded(outcome)
            return adapter(turn.protocol).orchestrator_result(outcome, progress)
        decoded = adapter(turn.protocol).orchestrator_result(outcome or "", progress)
        if isinstance(decoded, InvocationFailure) and not decoded.host_error:
            self._log_failure(name, turn, decoded.message)
        if isinstance(decoded, OrchestratorDecisions) and isinstance(decoded.end, Completion):
            failure = decoded.end.failure
            if failure is not None:
                failure = self._recorded_failure(failure)
                self._log_failure(name, turn, failure_traceback(failure))
                return replace(decoded, end=replace(decoded.end, failure=failure))
        return decoded

    def _log_failure(self, name: str, turn: OrchestratorInput, shown: str) -> None:
        function, instance_id = self._functions["orchestrator", name.lower()].name, turn.instance_id
        if turn.is_diagnosis or not self._loaded.shows_failure(function):
            return
        failure = self._loaded.failures.text(function, shown, instance_id)
        log.error(
            "Orchestrator '%s' of instance '%s' failed [EH401]: %s",
            name,
            instance_id,
            failure.text,
            extra=about(function, instance_id, failure.shown_frames),
        )

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        """Run an activity, and log its exception."""
        outcome = await self._run("activity", name, instance_id, input, alone)
        if isinstance(outcome, UserError):
            function = self._functions["activity", name.lower()].name
            if self._loaded.shows_failure(function):
                failure = self._loaded.failures.text(function, outcome.stack, instance_id)
                log.error(
                    "Activity '%s' of instance '%s' failed [EH402]: %s",
                    name,
                    instance_id,
                    failure.text or self._with_position(outcome.text, name),
                    extra=about(function, instance_id, failure.shown_frames),
                )
            return self._adapter.activity_error(self._recorded(outcome))
        return None if outcome == "null" else outcome

    def _with_position(self, text: str, name: str) -> str:
        """Return the text of a failed activity, with the position of its function."""
        function = self._functions["activity", name.lower()]
        if function.code_file:
            position = f"{function.code_file} line {function.line}"
        else:
            file = function.script_file
            position = file.name if self._root is None else _relative(file, self._root)
        return f"{text} (function '{function.name}' in {position})"

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        """Run the operations of ``batch`` on an entity."""
        payload = self._adapter.entity_payload(batch)
        outcome = await self._run("entity", name, instance_id, payload, alone)
        if isinstance(outcome, UserError):
            outcome = self._recorded(outcome)
        return self._adapter.entity_result(outcome or "", len(batch.operations))

    def _recorded(self, error: UserError) -> UserError:
        """Return the error that the history records, without this machine's folders."""
        return (
            error
            if self._root is None
            else replace(error, stack=without_folders(error.stack, self._root))
        )

    def _recorded_failure(self, failure: FailureDetails) -> FailureDetails:
        """Return the failure of SDK 2.x that the history records, without folders."""
        if self._root is None or failure.stack_trace is None:
            return failure
        return structs.replace(
            failure, stack_trace=without_folders(failure.stack_trace, self._root)
        )

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Send the request of ``call_http`` and return its response; both are JSON."""
        return await self._http(request, is_wanted)

    async def function(
        self,
        function: Function,
        trigger: str,
        invocation_id: str = "",
        retry: RetryData | None = None,
        *,
        alone: bool = False,
        instance_id: str = "",
    ) -> InvocationResult:
        """Run a function that has no HTTP trigger.

        Raises WorkerLostError if its worker process ends.
        """
        client = self._client(function.requires_grpc) if function.takes_client else ""
        id = invocation_id or str(uuid4())
        invocation = Invocation(function.name, trigger, client, id, retry, instance_id)
        result = await self._worker.invoke(invocation, alone=alone)
        # The first run of an activity with a retry policy is its start.
        start = call_start.get()
        if start is not None and start.timestamp is None:
            start.timestamp = result.began
        return result

    async def _run(
        self, kind: str, name: str, instance_id: str, trigger: str, alone: bool
    ) -> str | UserError | None:
        function = self._functions[kind, name.lower()]
        run = partial(self.function, function, trigger, alone=alone, instance_id=instance_id)
        if kind != "activity" or function.retry is None or self._retries is None:
            return _outcome(await run())
        log_failure = partial(
            log_failed_run, log, self._loaded, function.name, instance_id=instance_id
        )
        return _outcome(await self._retries.run(function, run, log_failure, keeps_id=True))


def _by_durable_name(loaded: LoadedApp) -> dict[tuple[str, str], Function]:
    """Return the durable functions by kind and lower-case durable name."""
    return {
        (kind, function.durable_name.lower()): function
        for function in loaded.enabled
        if (kind := function.durable_kind)
    }


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def without_folders(stack: str, root: Path) -> str:
    """Return the traceback ``stack`` with shortened paths.

    Paths of the app become relative to ``root``. Of any other path only the last folder and the
    file name remain.
    """

    def shorter(line: re.Match[str]) -> str:
        path = Path(line[2])
        parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts[-2:]
        return f'{line[1]}"{PurePosixPath(*parts)}"' if path.is_absolute() else line[0]

    return _FILE.sub(shorter, stack)


def _outcome(result: InvocationResult) -> str | UserError | None:
    if result.error is not None:
        error = result.error
        return UserError(encodable(error.type), encodable(error.message), encodable(error.stack))
    assert result.value is None or isinstance(result.value, str)
    return result.value
