"""The server of the scheduler, which opens the state file and listens for gRPC and HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.http.host_names import HostNames
from embedded_host.http.middleware import RequestFilter
from embedded_host.http.server import Listener
from embedded_host.http.sockets import PortInUseError, bind_public, is_loopback
from embedded_host.scheduler.rpcs import SchedulerRpcs
from embedded_host.scheduler.site import Site
from embedded_host.scheduler.task_hubs import TaskHubs
from embedded_host.store.files import STATE_FILE
from embedded_host.store.integrity_check import IntegrityCheck
from embedded_host.store.interface import StateError
from embedded_host.store.lock import StateLock
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.web.host_name import host_name
from embedded_worker.sdk2.grpc_server import GrpcServer

log = logging.getLogger("embedded_host.scheduler")


@dataclass(frozen=True)
class SchedulerOptions:
    """The options of ``embedded-host scheduler``."""

    state: Path
    """The folder of the state file."""
    address: str = "127.0.0.1"
    port: int = 8080
    """The TCP port of gRPC, or 0 for a free port."""
    dashboard_port: int = 8082
    """The TCP port of the dashboard, or 0 for a free port."""
    token: str = ""
    """The token that clients and workers must send, or "" if none is required."""
    names: tuple[str, ...] = ()
    """Additional host names for the dashboard (``http/host_names.py``)."""
    fsync: bool = True
    grace: float = 5.0
    """Seconds for running calls at shutdown. The server then cancels them."""


class SchedulerServer:
    """Serves the task hubs of one state folder."""

    def __init__(
        self, options: SchedulerOptions, on_fatal: Callable[[BaseException], None]
    ) -> None:
        """Create a server. ``on_fatal`` receives an error after which the server must stop."""
        self._options, self._on_fatal = options, on_fatal
        self.address = ""
        """The gRPC address, such as ``http://localhost:8080``."""
        self.dashboard_url = ""

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the server. Raises StateError.

        ``stack`` receives the callbacks that stop the server.
        """
        options = self._options
        stack.enter_context(StateLock(options.state))
        sock = self._bind(options.dashboard_port)
        stack.callback(sock.close)
        file = options.state / STATE_FILE
        store = SqliteStore(file, fsync=options.fsync)
        stack.callback(store.close)
        if store.was_left_open:
            self._check(file, stack)
        commit = GroupCommit(store, self._on_fatal)
        stack.push_async_callback(commit.close)
        hubs = TaskHubs(store, commit, self._on_fatal)
        hubs.start()
        stack.push_async_callback(hubs.close, options.grace)

        site = Site(file, hubs, options.token)
        stack.callback(site.close)
        names = [*options.names, *filter(None, [host_name(options.address)])]
        host_names = HostNames(names, network=not is_loopback(options.address))
        accepted = RequestFilter(host_names, CrossSite(Cors(), lambda _: False), site.handle)
        listener = Listener(sock, accepted.handle, options.grace)
        rpcs = SchedulerRpcs(hubs)
        server = GrpcServer(rpcs.send, rpcs, token=options.token)
        port = await self._listen(server)
        stack.push_async_callback(server.stop, 1.0)
        stack.callback(hubs.end_streams)
        await listener.start()
        stack.push_async_callback(listener.close)
        self.address = f"http://{self._name}:{port}"
        self.dashboard_url = f"http://{self._name}:{sock.getsockname()[1]}"

    def announce(self, seconds: float) -> None:
        """Print the addresses, the state folder and the arguments of a worker."""
        options = self._options
        print(f"State: {options.state}", flush=True)
        print(f"Dashboard: {self.dashboard_url}", flush=True)
        credential = "credential" if options.token else "None"
        print(
            "\nConnect a worker and a client of durabletask-azuremanaged:\n"
            f'\tDurableTaskSchedulerWorker(host_address="{self.address}", secure_channel=False, '
            f'taskhub="default", token_credential={credential})\n'
            "or of durabletask:\n"
            f'\tTaskHubGrpcWorker(host_address="{self.address.partition("://")[2]}")\n',
            flush=True,
        )
        print(
            f"Ready at {self.address} in {seconds:.2f} s. Ctrl+C stops the scheduler.", flush=True
        )

    @property
    def _name(self) -> str:
        address = self._options.address
        return "localhost" if address in ("127.0.0.1", "0.0.0.0", "::1", "::") else address

    def _bind(self, port: int) -> socket.socket:
        try:
            return bind_public(self._options.address, port)
        except PortInUseError:
            raise StateError(
                f"Port {port} is in use by another process. Stop that process, or choose another "
                "port with --dashboard-port. [EH201]"
            ) from None
        except OSError as error:
            raise StateError(
                f"The scheduler cannot listen on {self._options.address}:{port}: {error}. [EH202]"
            ) from error

    async def _listen(self, server: GrpcServer) -> int:
        address, port = self._options.address, self._options.port
        host = f"[{address}]" if ":" in address else address
        try:
            return await server.start(f"{host}:{port}")
        except OSError as error:
            raise StateError(
                f"The scheduler cannot listen on {host}:{port} ({error}). If another process uses "
                "the port, stop that process, or choose another port with --port. [EH201]"
            ) from error

    def _check(self, file: Path, stack: AsyncExitStack) -> None:
        """Check the state file in the background, because it was not closed."""
        loop = asyncio.get_running_loop()
        check = IntegrityCheck(file, lambda e: loop.call_soon_threadsafe(self._on_fatal, e))
        stack.callback(check.close)
        check.start()
