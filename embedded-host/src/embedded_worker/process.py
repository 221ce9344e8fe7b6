"""The worker's side of a worker process."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import itertools
import logging
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING

from embedded_host.log_output import console_handler
from embedded_worker.call_threads import CallThreads
from embedded_worker.process_exit import end_if_forked, end_process
from embedded_worker.protocol import (
    FEW,
    Channel,
    ClientRequest,
    ClientResponse,
    ImportStarted,
    InvocationRequest,
    LoadRequest,
    Message,
    StopRequest,
)
from embedded_worker.transport import sockets

if TYPE_CHECKING:
    from embedded_worker.runner import Runner


def main(arguments: list[str]) -> None:
    """``arguments`` say how to reach the host (see ``connecting``)."""
    # Ctrl+C goes to the whole group of processes: the host alone decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    with contextlib.suppress(Exception):  # there may be no stderr
        faulthandler.enable(all_threads=False)  # a segfault says in which function
    asyncio.run(_serve(*sockets(arguments)))


async def _serve(own: socket.socket, turns: socket.socket, functions: socket.socket) -> None:
    """Until the host says that it is over, or has gone: that ends the process."""
    loop = asyncio.get_running_loop()
    worker = _Worker(loop)
    _, channel = await loop.create_connection(lambda: Channel(worker.on_message, worker.on_close), sock=own)
    from embedded_worker import deferred_http

    deferred_http.defer()
    from embedded_worker.runner import TURN_THREADS, Runner, function_threads  # the SDK's import takes longest

    runner = Runner()
    CallThreads(turns, TURN_THREADS, "turn", runner.run).start()
    CallThreads(functions, function_threads(), "function", runner.run).start()
    worker.begin(channel, runner)
    await worker.stopped.wait()
    end_process(0)  # from here: asyncio.run would first wait for what functions have running in its threads


class _Worker:
    """The functions that run in the event loop, and all messages that are no call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.stopped = asyncio.Event()
        self._early: list[Message] = []
        self._running: set[asyncio.Task[None]] = set()
        self._asked: dict[int, asyncio.Future[ClientResponse]] = {}
        self._numbers = itertools.count(1)
        self._runner: Runner | None = None

    def begin(self, channel: Channel, runner: Runner) -> None:
        self._runner = runner
        early, self._early = self._early, []
        for message in early:
            self.on_message(channel, message)

    def on_message(self, channel: Channel, message: Message) -> None:
        if self._runner is None:
            self._early.append(message)
            return
        if isinstance(message, InvocationRequest):
            task = self._loop.create_task(self._invoke(channel, self._runner, message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        elif isinstance(message, ClientResponse):
            asked = self._asked.pop(message.id, None)
            if asked is not None and not asked.done():
                asked.set_result(message)
        elif isinstance(message, LoadRequest):
            configure_logging(message.log_level)
            if message.rpc_base:
                self._runner.carry_client_calls(partial(self._ask, channel), message.rpc_base)
            channel.send(self._runner.load(message, lambda name: channel.send(ImportStarted(name), at_once=True)))
            gc.collect()
            gc.freeze()  # what the imports have made stays
        elif isinstance(message, StopRequest):
            self.stopped.set()

    async def _ask(self, channel: Channel, method: str, path: str, body: bytes) -> ClientResponse:
        number = next(self._numbers)
        asked: asyncio.Future[ClientResponse] = self._loop.create_future()
        self._asked[number] = asked
        channel.send(ClientRequest(number, method, path, body), at_once=len(self._running) <= FEW)
        return await asked

    async def _invoke(self, channel: Channel, runner: Runner, asked: InvocationRequest) -> None:
        try:
            result = await runner.run_coroutine(asked)
        except asyncio.CancelledError:  # by the function itself: nobody else does
            result = runner.cancelled(asked)
        end_if_forked(asked.function)
        with contextlib.suppress(ConnectionError):  # the host is gone: it will run the function again
            channel.send(result, at_once=len(self._running) <= FEW)

    def on_close(self, channel: Channel) -> None:
        """The host is gone. What runs now is nobody's: end at once, as a new host may run it again."""
        end_process(1 if not self.stopped.is_set() else 0)


def configure_logging(level: str) -> None:
    """What user code logs goes to the console as ``func start`` shows it, from ``level`` on."""
    root = logging.getLogger()
    root.handlers[:] = [console_handler("%(levelname)s %(message)s")]
    root.setLevel(level)
    for noisy in ("asyncio", "aiohttp", "azure"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
