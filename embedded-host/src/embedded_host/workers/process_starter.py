"""Starts worker processes in the app's interpreter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import embedded_worker
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.app_interpreter import AppInterpreter
from embedded_host.workers.interpreter import interpreter as program_of
from embedded_host.workers.interpreter_problem import hello_problem
from embedded_host.workers.transport import worker_transport
from embedded_host.workers.worker_process import WorkerProcess
from embedded_worker.channel import Channel
from embedded_worker.protocol import PROTOCOL_VERSION, Hello, Message, Placement

_ENTRY = Path(embedded_worker.__file__).parent / "__main__.py"


class ProcessStarter:
    """The interpreter, the environment and the transport of the worker processes."""

    def __init__(
        self,
        interpreter: AppInterpreter,
        environ: dict[str, str],
        on_connected: Callable[[Hello], None] | None = None,
    ) -> None:
        """Prepare processes whose functions have the environment ``environ``.

        ``on_connected`` is called with the Hello of the first process.
        """
        self.interpreter = interpreter
        self._environ = interpreter.environment(environ)
        self._on_connected = on_connected
        self._transport = worker_transport()

    async def open(self) -> None:
        """Open the transport."""
        await self._transport.start()

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    async def spawn(
        self,
        on_message: Callable[[WorkerProcess, Message], None],
        on_close: Callable[[WorkerProcess, Placement], None],
    ) -> WorkerProcess:
        """Start a process, which connects later.

        ``on_message`` receives its messages, and ``on_close`` each of its sockets that it closes.
        A process that the host cannot use is refused when it has connected.
        Raises WorkerLostError if the system refuses the process.
        """

        def connected(hello: Hello, channel: Channel) -> None:
            channel.handle(
                lambda _, message: on_message(worker, message),
                lambda _: on_close(worker, hello.placement),
            )
            worker.connect(hello, channel)
            self._report(hello)
            if problem := hello_problem(self.interpreter, hello):
                worker.refuse(problem)

        python, needs = program_of(self.interpreter.executable)
        try:
            sockets = self._transport.sockets()
            try:
                process = await asyncio.create_subprocess_exec(
                    python,
                    str(_ENTRY),
                    str(PROTOCOL_VERSION),
                    *sockets.arguments,
                    # The import of the SDK reads host.json in the working directory, and fails if
                    # that file has comments.
                    cwd=_ENTRY.parent,
                    env={**self._environ, **needs, **sockets.environ, "PYTHONUNBUFFERED": "1"},
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=sockets.pass_fds,
                )
            except BaseException:
                sockets.close()
                raise
        except OSError as error:
            raise WorkerLostError(
                f"a worker process ({python}) cannot be started: {error}"
            ) from error
        worker = WorkerProcess(process, sockets)
        await sockets.accept(connected)
        return worker

    def _report(self, hello: Hello) -> None:
        if self._on_connected is not None and hello.version == PROTOCOL_VERSION:
            self._on_connected(hello)
            self._on_connected = None
