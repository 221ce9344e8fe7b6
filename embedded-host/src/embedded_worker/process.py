"""The main program of a worker process."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import itertools
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_worker.blocked_calls import BlockedLoop, BusyThreads
from embedded_worker.call_threads import CallThreads
from embedded_worker.channel import FEW_CALLS, Channel
from embedded_worker.current_trace import current_trace
from embedded_worker.log_buffer import INTERVAL, LogBuffer
from embedded_worker.log_levels import LogLevels
from embedded_worker.log_output import console_handler
from embedded_worker.process_exit import (
    end_if_forked,
    end_process,
    report_exit_of_task,
    report_os_exit,
)
from embedded_worker.protocol import (
    EXIT_BROKEN_SDK,
    EXIT_OTHER_PROTOCOL,
    EXIT_WITHOUT_SDK,
    PROTOCOL_VERSION,
    ClientRequest,
    ClientResponse,
    FindingData,
    FindingReport,
    ImportStarted,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    LogLine,
    LogReport,
    Message,
    StopRequest,
)
from embedded_worker.transport import connect, installed_version
from embedded_worker.worker_environment import add_worker_variables

if TYPE_CHECKING:
    from embedded_worker.function_logs import FunctionLogHandler
    from embedded_worker.runner import Runner

HOST_PATTERN = "%(levelname)s %(message)s"
"""The format of the records that the worker itself logs."""
SDK_MODULES = ("azure", "azure.functions", "azure.durable_functions")
"""The names in the error of an import of the SDK if a package of the SDK is not installed."""


def main(arguments: list[str]) -> None:
    """Run until the host stops the worker or exits.

    ``arguments`` are the host's version of the protocol, and the arguments of
    ``transport.connect``.
    """
    version, *connection = arguments
    if version != str(PROTOCOL_VERSION):
        print(
            f"The host has version {version} of the worker protocol, but the worker in "
            f"{Path(__file__).parent} has version {PROTOCOL_VERSION}. [EH232]",
            file=sys.stderr,
            flush=True,
        )
        end_process(EXIT_OTHER_PROTOCOL)  # the host reports the fix
    add_worker_variables(os.environ)
    # Ctrl+C reaches the whole process group, but only the host decides when a worker stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    with contextlib.suppress(Exception):  # there may be no stderr
        faulthandler.enable(all_threads=False)  # a segmentation fault prints the function's frames
    asyncio.run(_serve(*connect(connection)))


async def _serve(
    event_loop: socket.socket, durable: socket.socket, functions: socket.socket
) -> None:
    loop = asyncio.get_running_loop()
    handler = MessageHandler(loop)
    _, channel = await loop.create_connection(
        lambda: Channel(handler.on_message, handler.on_close), sock=event_loop
    )
    # Import the SDK after the connection, because its import takes longest.
    try:
        from embedded_worker import lazy_http_client

        lazy_http_client.install()
        from embedded_worker.runner import DURABLE_THREADS, THREAD_NAMES, Runner, function_threads
    except ImportError as error:
        # The host reports the fix, so no traceback is printed.
        if isinstance(error, ModuleNotFoundError) and error.name in SDK_MODULES:
            end_process(EXIT_WITHOUT_SDK)
        if not _is_python_too_old():
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        end_process(EXIT_BROKEN_SDK)

    report_os_exit()
    runner = Runner(in_own_process=True)
    logs = handler.take_logs
    CallThreads(durable, DURABLE_THREADS, "durable", runner.run, take_logs=logs).start()
    busy = BusyThreads(lambda: runner.root)
    CallThreads(functions, function_threads(), THREAD_NAMES, runner.run, busy, logs).start()
    handler.start(channel, runner)
    await handler.stopped.wait()
    # Exit here, because asyncio.run would first wait for threads that functions started.
    end_process(0)


def _is_python_too_old() -> bool:
    """Return True if the SDK needs a newer Python: the host then reports this reason instead."""
    if sys.version_info >= (3, 13):
        return False
    return installed_version("azure-functions-durable").startswith("2.")


class MessageHandler:
    """Handles the messages of the socket for the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.stopped = asyncio.Event()
        self._early: list[Message] = []
        """Messages that arrived during the import of the SDK."""
        self._running: set[asyncio.Task[None]] = set()
        self._client_requests: dict[int, asyncio.Future[ClientResponse]] = {}
        self._ids = itertools.count(1)
        self._runner: Runner | None = None
        self._blocked: BlockedLoop | None = None
        self._logs: LogBuffer | None = None

    def start(self, channel: Channel, runner: Runner) -> None:
        """Handle messages from now on, beginning with those that have arrived already."""
        self._runner = runner
        self._blocked = BlockedLoop(self._loop, lambda: runner.root)
        early, self._early = self._early, []
        for message in early:
            self.on_message(channel, message)

    def on_message(self, channel: Channel, message: Message) -> None:
        """Start to handle ``message``."""
        if self._runner is None:
            self._early.append(message)
            return
        if isinstance(message, InvocationRequest):
            task = self._loop.create_task(self._invoke(channel, self._runner, message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        elif isinstance(message, ClientResponse):
            response = self._client_requests.pop(message.id, None)
            if response is not None and not response.done():
                response.set_result(message)
        elif isinstance(message, LoadRequest):
            self._load(channel, self._runner, message)
        elif isinstance(message, StopRequest):
            self.flush_logs()
            self.stopped.set()

    def _report(self, channel: Channel, finding: FindingData) -> None:
        """Send a finding. The caller may be any thread."""
        report = FindingReport([finding])
        self._loop.call_soon_threadsafe(channel.send, report)

    def _load(self, channel: Channel, runner: Runner, request: LoadRequest) -> None:
        report = runner.report = partial(self._report, channel)
        buffer = LogBuffer(self._flush_logs_soon, partial(_send_logs, channel))
        self._logs = buffer
        logs = configure_logging(request, report, buffer.add)
        send = partial(self.send_client_request, channel)
        runner.carry_client_calls(send, request, in_host=False)
        result = runner.load(request, lambda name: channel.send(ImportStarted(name), at_once=True))
        channel.send(result._replace(findings=[*result.findings, *logs.end_import()]))
        gc.collect()
        gc.freeze()  # the imported modules live as long as the process

    def _flush_logs_soon(self) -> None:
        """Send the log lines after ``INTERVAL`` seconds. The caller may be any thread."""
        self._loop.call_soon_threadsafe(self._loop.call_later, INTERVAL, self.flush_logs)

    def take_logs(self) -> LogReport:
        """Return the log lines that wait, because the process exits."""
        return LogReport(()) if self._logs is None else self._logs.take()

    def flush_logs(self) -> None:
        """Send the log lines that wait."""
        if self._logs is not None:
            self._logs.flush()

    async def send_client_request(
        self, channel: Channel, method: str, path: str, body: bytes
    ) -> ClientResponse:
        """Send a request of the durable client to the host and return the response."""
        id = next(self._ids)
        response: asyncio.Future[ClientResponse] = self._loop.create_future()
        self._client_requests[id] = response
        request = ClientRequest(id, method, path, body, current_trace.get())
        channel.send(request, at_once=len(self._running) <= FEW_CALLS)
        return await response

    async def _invoke(self, channel: Channel, runner: Runner, request: InvocationRequest) -> None:
        report_exit_of_task(partial(self._report_exit, channel, request.id))
        blocked = self._blocked
        assert blocked is not None
        blocked.begin()
        try:
            result = await runner.run_coroutine(request)
        except asyncio.CancelledError as error:  # raised by the function's own code
            result = runner.cancelled(request, error)
        finally:
            blocked.end()
        end_if_forked(request.function)
        if result.exit_code is not None:
            self._report_exit(channel, request.id, result.exit_code)
            end_process(result.exit_code)
        # If the host has exited, the next one runs the function again.
        with contextlib.suppress(ConnectionError):
            channel.send(result, at_once=len(self._running) <= FEW_CALLS)

    def _report_exit(self, channel: Channel, id: int, exit_code: int) -> None:
        with contextlib.suppress(ConnectionError):
            self.flush_logs()
            channel.send_last(InvocationResult(id, exit_code=exit_code))

    def on_close(self, channel: Channel) -> None:
        """Exit at once: the host has exited, and the next one may run the same functions again."""
        end_process(1 if not self.stopped.is_set() else 0)


def _send_logs(channel: Channel, report: LogReport) -> bool:
    if channel.is_paused:
        return False
    with contextlib.suppress(ConnectionError):  # the host has exited
        channel.send(report)
    return True


def configure_logging(
    request: LoadRequest,
    report: Callable[[FindingData], None],
    store: Callable[[LogLine], None] | None = None,
) -> FunctionLogHandler:
    """Write the log records of functions, and hide their output if host.json hides it.

    The import of the app has begun. ``report`` sends a parity finding to the host. ``store`` sends
    a log line to the host, if the host keeps log lines.
    """
    from embedded_worker.captured_output import capture_output, stderr_of_logs
    from embedded_worker.function_logs import function_log_handler, install

    stream = stderr_of_logs(LogLevels(request.logs.levels, request.logs.console_levels))
    host_handler = console_handler(HOST_PATTERN, stream, as_json=request.logs.format == "json")
    handler = function_log_handler(request, report, host_handler, stream, store)
    handler.stores_host_records = True
    capture_output(handler.levels, handler.output, store if request.logs.keeps else None)
    install(handler)
    return handler
